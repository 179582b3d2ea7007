"""Export PyTorch modules to ``linalg``, their weights as arguments."""

from collections.abc import Callable
from typing import Any

import numpy as np

from costmodel.corpus.families._jax import ragged
from costmodel.targets._toolchain import tool

__all__ = ["TORCH_FAMILIES", "torch_program"]

Case = tuple[Any, list[Any]]
"""A module and its example inputs."""


def torch_program(family: str, rng: np.random.Generator) -> str:
    """Return ``linalg`` on tensors of a whole module of the family, with sizes drawn.

    Raises:
        BackendError: If torch, torch-mlir or transformers is not installed.
    """
    torch, fx = tool("torch"), tool("torch_mlir.fx")
    torch.set_num_threads(1)
    with torch.no_grad():
        module, inputs = _CASES[family](rng)
        module = module.eval()
        for part in module.modules():  # torch-mlir does not find buffers that are not saved
            part._non_persistent_buffers_set.clear()
        called, arguments = _with_weights(torch, module, inputs)
        exported = fx.export_and_import(
            called, *arguments, output_type="linalg-on-tensors", func_name="main"
        )
        return str(exported)


def _with_weights(torch: Any, module: Any, inputs: list[Any]) -> Case:
    """Return a module that takes the weights as arguments after the inputs."""
    weights = dict(module.named_parameters())

    class Called(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *values: Any) -> Any:
            given = dict(zip(weights, values[len(inputs) :], strict=True))
            found = torch.func.functional_call(hidden[0], given, tuple(values[: len(inputs)]))
            return _first(found)

    hidden = [module]  # in a list, so that its weights do not become constants
    return Called(), [*inputs, *weights.values()]


def _first(found: Any) -> Any:
    if isinstance(found, tuple | list):
        return _first(found[0])
    return found[0] if hasattr(found, "keys") else found


def _hugging_face(name: str, config: str, **options: Any) -> Any:
    transformers = tool("transformers")
    settings = getattr(transformers, config)(**options)
    settings._attn_implementation = "eager"
    return getattr(transformers, name)(settings)


def _words(rng: np.random.Generator, width: int) -> list[Any]:
    torch = tool("torch")
    return [torch.zeros(ragged(rng, 1, 2), ragged(rng, 8, 12, 16, 24), width)]


def _image(rng: np.random.Generator, *sides: int) -> list[Any]:
    side = ragged(rng, *sides)
    return [tool("torch").zeros(1, 3, side, side)]


def _embedded(model: Any, inputs: list[Any]) -> Case:
    """Feed embeddings: the table look-up is no part of the block."""
    torch = tool("torch")
    length = inputs[0].shape[1]
    places, mask = torch.arange(length)[None], torch.zeros(1, 1, length, length)

    class Block(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            # A mask that is given whole keeps the model from computing one with a scan.
            found = self.model(
                inputs_embeds=x, attention_mask=mask, position_ids=places, use_cache=False
            )
            return found[0]

    return Block(), inputs


def _decoder(name: str, config: str, **options: Any) -> Callable[[np.random.Generator], Case]:
    def case(rng: np.random.Generator) -> Case:
        width = ragged(rng, 32, 48, 64)
        model = _hugging_face(
            name,
            config,
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=1,
            num_attention_heads=4,
            vocab_size=64,
            **options,
        )
        return _embedded(model, _words(rng, width))

    return case


def _vit(rng: np.random.Generator) -> Case:
    width, inputs = ragged(rng, 32, 48), _image(rng, 16, 24, 32)
    model = _hugging_face(
        "ViTModel",
        "ViTConfig",
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=1,
        num_attention_heads=4,
        image_size=inputs[0].shape[-1],
        patch_size=8,
    )
    return model, inputs


def _whisper(rng: np.random.Generator) -> Case:
    torch, width, length = tool("torch"), ragged(rng, 32, 48), ragged(rng, 16, 24)
    model = _hugging_face(
        "WhisperModel",
        "WhisperConfig",
        d_model=width,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * width,
        decoder_ffn_dim=2 * width,
        max_source_positions=length,
        num_mel_bins=20,
        vocab_size=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return model.encoder, [torch.zeros(1, 20, 2 * length)]


def _segformer(rng: np.random.Generator) -> Case:
    model = _hugging_face(
        "SegformerModel",
        "SegformerConfig",
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[16, 32],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[2, 2],
    )
    return model, _image(rng, 32, 48)


def _resnet(rng: np.random.Generator) -> Case:
    model = _hugging_face(
        "ResNetModel",
        "ResNetConfig",
        embedding_size=8,
        hidden_sizes=[ragged(rng, 8, 16), ragged(rng, 16, 24)],
        depths=[1, 1],
        layer_type=str(rng.choice(("basic", "bottleneck"))),
    )
    return model, _image(rng, 24, 32)


def _convnext(rng: np.random.Generator) -> Case:
    model = _hugging_face(
        "ConvNextModel", "ConvNextConfig", hidden_sizes=[16, 24], depths=[1, 1], num_stages=2
    )
    return model, _image(rng, 32, 48)


def _recurrent(name: str) -> Callable[[np.random.Generator], Case]:
    def case(rng: np.random.Generator) -> Case:
        torch, width = tool("torch"), ragged(rng, 16, 24, 32)
        model = getattr(torch.nn, name)(width, ragged(rng, 16, 32), batch_first=True)
        return model, [torch.zeros(ragged(rng, 1, 4), 4, width)]

    return case


def _encoder(rng: np.random.Generator) -> Case:
    torch, width = tool("torch"), ragged(rng, 32, 48, 64)
    layer = torch.nn.TransformerEncoderLayer(
        width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=bool(rng.random() < 0.5)
    )
    return layer, _words(rng, width)


def _convolutional(rng: np.random.Generator) -> Case:
    nn = tool("torch").nn
    width = ragged(rng, 8, 16, 24)
    model = nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, stride=2, groups=1),
        nn.GELU(),
        nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, 10),
        nn.Softmax(-1),
    )
    return model, _image(rng, 16, 24, 32)


def _gpt2(rng: np.random.Generator) -> Case:
    width = ragged(rng, 32, 48, 64)
    options = {"n_embd": width, "n_layer": 1, "n_head": 4, "vocab_size": 64, "n_positions": 64}
    return _embedded(_hugging_face("GPT2Model", "GPT2Config", **options), _words(rng, width))


_CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    "bert": _decoder("BertModel", "BertConfig"),
    "gpt2": _gpt2,
    "llama": _decoder("LlamaModel", "LlamaConfig", num_key_value_heads=4),
    "qwen": _decoder("Qwen3Model", "Qwen3Config", num_key_value_heads=2, head_dim=16),
    "vit": _vit,
    "whisper": _whisper,
    "segformer": _segformer,
    "resnet": _resnet,
    "convnext": _convnext,
    "lstm": _recurrent("LSTM"),
    "gru": _recurrent("GRU"),
    "transformer-encoder": _encoder,
    "convnet": _convolutional,
}
TORCH_FAMILIES = tuple(_CASES)
"""Families that are exported from PyTorch."""
