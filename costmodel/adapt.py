"""A new target or device from few labelled programs."""

from collections.abc import Sequence

from costmodel._dataset import Dataset
from costmodel.models import Model
from costmodel.models._adapted import AdaptConfig, AdaptedModel

__all__ = ["AdaptConfig", "AdaptedModel", "adapt"]


def adapt(
    model: Model, dataset: Dataset, targets: Sequence[str], config: AdaptConfig | None = None
) -> AdaptedModel:
    """Return a model of new targets that builds on what a trained one knows.

    Args:
        model: Trained on other targets, or on the same of other devices.
        dataset: 10 to some 200 labelled programs; more are better learnt from scratch.
        targets: Columns of the data set to learn.
        config: Hyperparameters.

    Raises:
        DatasetError: If there are fewer than 10 labels of a target.
    """
    return AdaptedModel(config, base=model).fit_few(dataset, targets)
