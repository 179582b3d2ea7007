"""The networks of the paper's models."""

# mypy: allow-subclassing-any

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from costmodel.models._paper import PaperConfig

FILTERS = (16, 16, 8, 8, 2, 1)


class PaperNetwork(nn.Module):
    """Words to numbers: embeddings, one vector of them all, three fully connected layers."""

    def __init__(self, config: "PaperConfig", words: int, outputs: int) -> None:
        super().__init__()
        width, hidden = config.width, config.hidden
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.pool = getattr(self, f"_{config.network}")
        if config.network == "lstm":
            self.lstm = nn.LSTM(width, hidden, batch_first=True)
        if config.network == "conv1d":
            self.convolutions = nn.ModuleList(nn.Conv1d(width, width, size) for size in FILTERS)
        self.layers = nn.Sequential(
            nn.Linear(hidden if config.network == "lstm" else width, hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, outputs),
        )

    def forward(self, ids: Any, channels: Any, features: Any, mask: Any) -> Any:
        """Return ``outputs`` numbers for each text; only ids and mask are looked at."""
        return self.layers(self.pool(self.embedding(ids), mask))

    def _fc(self, x: Any, mask: Any) -> Any:
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)

    def _lstm(self, x: Any, mask: Any) -> Any:
        # The state after the last word is what a packed sequence gives; on padded ones the library
        # runs its fused kernel, several times as fast on a CPU.
        last = mask.sum(1).clamp(min=1) - 1
        return self.lstm(x)[0][torch.arange(len(x), device=x.device), last]

    def _conv1d(self, x: Any, mask: Any) -> Any:
        x = x.transpose(1, 2)
        for size, convolution in zip(FILTERS, self.convolutions, strict=True):
            padded = nn.functional.pad(x, ((size - 1) // 2, size // 2))
            x = torch.relu(convolution(padded)) * mask[:, None]
        return x.amax(dim=2)
