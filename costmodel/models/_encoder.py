"""A transformer encoder on structured tokens, with the numbers that tokens stand for beside them.

Source: Vaswani et al., 2017, pre-norm; numbers as continuous channels follow Golkar et al.,
"xVal", 2023, with the logarithm and divisibility beside it, since sizes span many decades and
vector widths matter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from costmodel import _core
from costmodel.features import feature_names, features
from costmodel.models._model import Checkpoint, Progress
from costmodel.models._neural import NeuralConfig, NeuralModel, Tokens
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values
from costmodel.tokenizers import StructuredTokenizer

if TYPE_CHECKING:
    import torch

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

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        rows = features(texts)
        self._center = rows.mean(axis=0)
        self._scale = np.maximum(rows.std(axis=0), 0.1)
        super()._fit(texts, labels, progress, checkpoint)

    def _prepare(self, texts: list[bytes]) -> None:
        """Learn nothing: the vocabulary is fixed."""

    def _tokens(self, text: bytes) -> Tokens:
        ids, numbers = _core.encode(text, self.config.max_tokens)
        row = np.empty(0, dtype=np.float32)
        if self.config.parsed_features:
            row = np.clip((features([text])[0] - self._center) / self._scale, -8, 8)
        return Tokens(ids, channels(numbers), row.astype(np.float32))

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
