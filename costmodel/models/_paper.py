"""The six models of the 2023 paper: FC, LSTM and Conv1D on two kinds of tokens.

Source: Das and Mannarswamy, "ML-driven Hardware Cost Model for MLIR", 2023 (arXiv 2302.11405):
embeddings of width 64; FC layers over pooled embeddings; an LSTM; a stack of six one-dimensional
convolutions with filters of 16, 16, 8, 8, 2 and 1, max-pooling and three FC layers. What it does
not say (hidden width, optimizer, length) is chosen here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from costmodel.models._neural import NeuralConfig, NeuralModel, Tokens, import_torch
from costmodel.models._safetensors import Arrays
from costmodel.tokenizers import WordTokenizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperConfig(NeuralConfig):
    """Hyperparameters of the paper's models."""

    network: Literal["fc", "lstm", "conv1d"] = "conv1d"
    """Kind of network."""
    tokens: Literal["op", "operand"] = "operand"
    """Operations and types only, or operands too."""
    hidden: int = 128
    """Width of hidden layers."""
    max_words: int = 20_000
    """Words in the vocabulary."""


class PaperModel(NeuralModel):
    """One of the paper's models, for several targets at once."""

    kind: ClassVar[str] = "paper"
    config_type: ClassVar[type[Any]] = PaperConfig
    config: PaperConfig

    def __init__(self, config: PaperConfig | None = None) -> None:
        super().__init__(config)
        self._tokenizer = WordTokenizer(self.config.tokens)

    def _prepare(self, texts: list[bytes]) -> None:
        self._tokenizer = WordTokenizer(self.config.tokens).fit(texts, self.config.max_words)

    def _tokens(self, texts: list[bytes]) -> list[Tokens]:
        nothing = np.empty(0, dtype=np.float32)
        found = (self._tokenizer.encode(text, self.config.max_tokens) for text in texts)
        return [Tokens(ids, np.empty((len(ids), 0), np.float32), nothing) for ids in found]

    def _build(self, outputs: int) -> "torch.nn.Module":
        import_torch()
        from costmodel.models._paper_network import PaperNetwork

        return PaperNetwork(self.config, len(self._tokenizer), outputs)

    def _extra(self) -> dict[str, Any]:
        return {"tokenizer": self._tokenizer.to_dict()}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        self._tokenizer = WordTokenizer.from_dict(extra.get("tokenizer") or {})
        super()._restore(arrays, extra)
