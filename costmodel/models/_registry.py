"""Names of models: those that can be trained, and those that are shipped trained."""

from importlib import import_module
from pathlib import Path
from typing import Any

from costmodel.errors import ModelError, did_you_mean
from costmodel.models._model import Model, read_head

PAPER_MODELS = {
    f"paper-{network}-{tokens}": ("_paper", "PaperModel", {"network": network, "tokens": tokens})
    for network in ("fc", "lstm", "conv1d")
    for tokens in ("op", "operand")
}
"""The 2023 paper's six, as :data:`MODELS` has them."""

MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "roofline": ("_roofline", "RooflineModel", {}),
    "ridge": ("_ridge", "RidgeModel", {}),
    "trees": ("_trees", "TreesModel", {}),
    "sites": ("_sites", "SitesModel", {}),
    "sites-deep": (
        "_sites",
        "SitesModel",
        {"rounds": 900, "learning_rate": 0.04, "leaves": 63, "feature_share": 0.3},
    ),
    "fast": ("_sites", "SitesModel", {"rounds": 110, "learning_rate": 0.12, "leaves": 24}),
    "trees-deep": (
        "_trees",
        "TreesModel",
        {"rounds": 800, "learning_rate": 0.03, "leaves": 63, "feature_share": 0.25},
    ),
    "forest": ("_quantile_forest", "QuantileForestModel", {}),
    "best": ("_ensemble", "EnsembleModel", {}),
    "encoder": ("_encoder", "EncoderModel", {}),
    "encoder-bins": ("_encoder", "EncoderModel", {"head": "bins"}),
    **PAPER_MODELS,
}
"""By name: module (an underscore and the model's kind), class, settings that are no defaults."""

SHIPPED = Path(__file__).parent / "pretrained"
"""Folder of the models that come with the package."""


def make_model(name: str, **settings: Any) -> Model:
    """Return an untrained model.

    Args:
        name: One of :data:`MODELS`.
        settings: Hyperparameters that differ from its defaults.

    Raises:
        ModelError: If there is no such model or hyperparameter.
    """
    if name not in MODELS:
        raise ModelError(
            f"There is no model '{name}'.{did_you_mean(name, MODELS)} "
            f"Choose one of {', '.join(MODELS)}."
        )
    module, attribute, own = MODELS[name]
    kind = _class(module, attribute)
    fields = kind.config_type.__dataclass_fields__
    for setting in settings:
        if setting not in fields:
            raise ModelError(
                f"Model '{name}' has no setting '{setting}'.{did_you_mean(setting, fields)} "
                f"It has: {', '.join(fields)}."
            )
    return kind(kind.config_type(**{**own, **settings}))


def load_model(name_or_folder: str | Path) -> Model:
    """Return a trained model: a shipped one by its name, or one that was saved in a folder.

    Raises:
        ModelError: If there is none, or it is damaged or of another version.
    """
    path = Path(name_or_folder)
    shipped = SHIPPED / path.name
    if not path.exists() and str(name_or_folder) == path.name and shipped.is_dir():
        path = shipped
    if not path.exists():
        known = sorted(folder.name for folder in SHIPPED.glob("*") if folder.is_dir())
        raise ModelError(
            f"There is no model '{name_or_folder}'.{did_you_mean(name_or_folder, known)} Give a "
            f"folder that 'costmodel train' wrote, or one that is shipped: "
            f"{', '.join(known) or 'none'}."
        )
    head = read_head(path)
    kinds = {module.removeprefix("_"): (module, name) for module, name, _ in MODELS.values()}
    kinds["adapted"] = ("_adapted", "AdaptedModel")
    kind = str(head.get("kind"))
    if kind not in kinds:
        raise ModelError(
            f"'{path}' is of the unknown kind '{kind}'.{did_you_mean(kind, kinds)} "
            "Install the version that wrote it."
        )
    return _class(*kinds[kind]).from_head(path, head)


def _class(module: str, attribute: str) -> type[Model]:
    found: type[Model] = getattr(import_module(f"costmodel.models.{module}"), attribute)
    return found
