"""A transformer encoder on structured tokens, with the numbers that tokens stand for beside them.

Source: Vaswani et al., 2017, pre-norm; numbers as continuous channels follow Golkar et al.,
"xVal", 2023, with the logarithm and divisibility beside it, since sizes span many decades and
vector widths matter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from costmodel import _core
from costmodel._dataset import Dataset
from costmodel.errors import DatasetError
from costmodel.features import feature_names, features
from costmodel.models._model import Checkpoint, Progress, known_rows
from costmodel.models._neural import NeuralConfig, NeuralModel
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values, describe_targets, scale
from costmodel.models._training import Examples, Tokens, Training
from costmodel.tokenizers import StructuredTokenizer

if TYPE_CHECKING:
    import torch

ANALYTIC = ("analytic/flops", "analytic/bytes", "analytic/arithmetic_intensity")
"""Targets that are learnt first."""

CHANNELS = 7
_DIVISORS = (8, 16, 32, 128)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig(NeuralConfig):
    """Hyperparameters of the encoder."""

    width: int = 128
    """Width of the encoder."""
    layers: int = 2
    """Layers."""
    heads: int = 4
    """Attention heads."""
    parsed_features: bool = True
    """Whether the parsed features of the text stand beside the encoder's summary."""
    pretraining_epochs: int = 0
    """Times that each program is learnt from first, with its analytic labels (FLOPs, bytes,
    arithmetic intensity), which cost no compiler; also programs without any other label."""


class EncoderModel(NeuralModel):
    """A pre-norm transformer encoder with a head for each target."""

    kind: ClassVar[str] = "encoder"
    config_type: ClassVar[type[Any]] = EncoderConfig
    config: EncoderConfig

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__(config)
        width = len(feature_names())
        self._center = np.zeros(width, dtype=np.float32)
        self._scale = np.ones(width, dtype=np.float32)
        self._free: tuple[list[bytes], Values] = ([], np.empty((0, 0)))

    def fit(self, dataset: Dataset, targets: Any, **others: Any) -> Self:
        """Learn as :meth:`Model.fit` does, from the analytic labels first if so configured.

        Raises:
            DatasetError: If there are too few labels, or no analytic ones to learn from first.
        """
        if self.config.pretraining_epochs > 0:
            self._free = _free_labels(dataset)
        super().fit(dataset, targets, **others)
        self._free = ([], np.empty((0, 0)))
        return self

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        rows = features(texts)
        self._center = rows.mean(axis=0)
        self._scale = np.maximum(rows.std(axis=0), 0.1)
        super()._fit(texts, labels, progress, checkpoint)

    def _prepare(self, texts: list[bytes]) -> None:
        """Learn nothing: the vocabulary is fixed."""

    def _tokens(self, texts: list[bytes]) -> list[Tokens]:
        rows = np.empty((len(texts), 0), dtype=np.float32)
        if self.config.parsed_features:
            rows = np.clip((features(texts) - self._center) / self._scale, -8, 8)
        found = []
        for text, row in zip(texts, rows.astype(np.float32), strict=True):
            ids, numbers = _core.encode(text, self.config.max_tokens)
            found.append(Tokens(ids, channels(numbers), row))
        return found

    def _pretrain(self, progress: Progress, checkpoint: Checkpoint) -> None:
        texts, labels = self._free
        if not texts:
            return
        goals = (labels - np.nanmean(labels, axis=0)) / np.maximum(np.nanstd(labels, axis=0), 1e-6)
        network = self._build(self._width_of(labels.shape[1]))
        config = replace(self.config, epochs=self.config.pretraining_epochs)
        learn = Examples(self._tokens(texts), goals.astype(np.float32))
        nothing = Examples([], np.empty((0, 0), dtype=np.float32))
        Training(network, config, learn, nothing, "pretraining").run(progress, checkpoint)
        # All but the last layer, whose outputs are other targets.
        last = {"head.3.weight", "head.3.bias"}
        kept = {k: v for k, v in network.state_dict().items() if k not in last}
        main: Any = self._network
        main.load_state_dict({**main.state_dict(), **kept})

    def _build(self, outputs: int) -> "torch.nn.Module":
        from costmodel.models._encoder_network import CostEncoder, CostEncoderConfig

        shape: dict[str, Any] = {
            "vocab_size": len(StructuredTokenizer().vocabulary),
            "hidden_size": self.config.width,
            "num_hidden_layers": self.config.layers,
            "num_attention_heads": self.config.heads,
            "max_position_embeddings": self.config.max_tokens + 32,
            "dropout": self.config.dropout,
            "channels": CHANNELS,
            "features": len(self._center) if self.config.parsed_features else 0,
            "outputs": outputs,
        }
        return CostEncoder(CostEncoderConfig(**shape))

    def _arrays(self) -> Arrays:
        return {**super()._arrays(), "rows.center": self._center, "rows.scale": self._scale}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._center, self._scale = arrays["rows.center"], arrays["rows.scale"]
        super()._restore(arrays, extra)

    def save_transformers(self, folder: Path) -> None:
        """Write the network and its tokenizer as ``transformers`` reads them.

        ``AutoModel.from_pretrained`` gives the network back once this package is imported.
        """
        network: Any = self._network
        network.save_pretrained(folder)
        StructuredTokenizer().save_fast(folder / "tokenizer.json")
        (folder / "README.md").write_text(
            "Encoder of costmodel. Settings: " + str(asdict(self.config)) + "\n", encoding="utf-8"
        )


def _free_labels(dataset: Dataset) -> tuple[list[bytes], Values]:
    names = [name for name in ANALYTIC if name in dataset.labels]
    if not names or not len(dataset.labelled(names)):
        raise DatasetError(
            f"There are no analytic labels to learn from first. Label programs with "
            f"{', '.join(ANALYTIC)}, or set pretraining_epochs=0."
        )
    texts, labels = known_rows(dataset, names)
    return texts, scale(describe_targets(names), labels)


def channels(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return what stands beside each token.

    Whether it is a number, its logarithm, whether it is a power of two, what it is divisible by.
    """
    known = np.isfinite(numbers)
    size = np.abs(np.where(known, numbers, 0.0))
    logs = np.log2(1.0 + size)
    whole = known & (size > 0) & (size < 2.0**53) & (size == np.floor(size))
    integers = np.where(whole, size, 0.0).astype(np.int64)
    powers = whole & ((integers & (integers - 1)) == 0)
    columns = [known, logs / 10.0, powers, *(whole & (integers % d == 0) for d in _DIVISORS)]
    return np.stack(columns, axis=1).astype(np.float32)
