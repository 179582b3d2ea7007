"""The encoder's network, as ``transformers`` knows it."""

# mypy: allow-subclassing-any

from typing import Any

import torch
from torch import nn

from costmodel.models._transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

__all__ = ["CostEncoder", "CostEncoderConfig"]


class CostEncoderConfig(PretrainedConfig):
    """Shape of a :class:`CostEncoder`."""

    model_type = "costmodel-encoder"

    def __init__(
        self,
        vocab_size: int = 4096,
        hidden_size: int = 128,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        max_position_embeddings: int = 544,
        dropout: float = 0.1,
        channels: int = 7,
        features: int = 0,
        outputs: int = 1,
        **others: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.max_position_embeddings = max_position_embeddings
        self.dropout = dropout
        self.channels = channels
        self.features = features
        self.outputs = outputs
        super().__init__(**others)


class _Layer(nn.Module):
    def __init__(self, config: CostEncoderConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        qkv = self.qkv(self.norm_1(x)).view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = x + self.dropout(self.out(seen.transpose(1, 2).reshape(rows, length, width)))
        y: torch.Tensor = x + self.dropout(self.mlp(self.norm_2(x)))
        return y


class CostEncoder(PreTrainedModel):
    """Tokens, numbers beside them and features of the text, to the outputs of all heads."""

    config_class = CostEncoderConfig
    main_input_name = "input_ids"

    def __init__(self, config: CostEncoderConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.embedding = nn.Embedding(config.vocab_size, width, padding_idx=0)
        self.position = nn.Embedding(config.max_position_embeddings, width)
        self.numbers = nn.Linear(config.channels, width, bias=False)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(width)
        self.features = nn.Linear(config.features, width) if config.features else None
        summary = width * (3 if config.features else 2)
        self.head = nn.Sequential(
            nn.Linear(summary, 2 * width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * width, config.outputs),
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(
        self,
        input_ids: torch.Tensor,
        channels: torch.Tensor,
        features: torch.Tensor,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        """Return the outputs of all heads, one row for each text."""
        mask = mask.clone()
        mask[:, 0] = True  # an empty text attends to its padding
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.embedding(input_ids) + self.position(places) + self.numbers(channels)
        for layer in self.layers:
            x = layer(x, mask)
        x = self.norm(x)
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        most = x.masked_fill(~mask[..., None], -1e4).amax(dim=1)
        parts = [mean, most]
        if self.features is not None:
            parts.append(nn.functional.gelu(self.features(features)))
        outputs: torch.Tensor = self.head(torch.cat(parts, dim=-1))
        return outputs


AutoConfig.register(CostEncoderConfig.model_type, CostEncoderConfig)
AutoModel.register(CostEncoderConfig, CostEncoder)
