"""Networks of matrix products: transformers, and the perceptrons of a recommendation model."""

from itertools import pairwise

from simulators.accelerator._layer import Layer
from simulators.accelerator._networks_builder import ImageBuilder, TokenBuilder


def bert_base(batch: int, tokens: int) -> list[Layer]:
    """Build BERT-base (12 layers, width 768, 12 heads): Devlin et al., NAACL 2019, section 3.

    With the pooler of the first token; embeddings are look-ups, and heads depend on the task.
    """
    model = TokenBuilder(batch, tokens, 768, 12)
    for index in range(12):
        name = f"encoder.{index}"
        for projection in ("query", "key", "value"):
            model.linear(f"{name}.attention.{projection}", 768, 768)
        model.attend(f"{name}.attention")
        model.linear(f"{name}.attention.output", 768, 768)
        model.linear(f"{name}.feed_forward.in", 768, 3072)
        model.linear(f"{name}.feed_forward.out", 3072, 768)
    model.linear("pooler", 768, 768, rows=batch)
    return model.layers


def gpt2(batch: int, tokens: int) -> list[Layer]:
    """Build GPT-2 small (12 layers, width 768, 12 heads): Radford et al., 2019, table 2.

    A prompt of ``tokens`` tokens at once, logits for every one. Causal masking is not used to
    leave products out, as dense accelerators compute the whole square.
    """
    model = TokenBuilder(batch, tokens, 768, 12)
    for index in range(12):
        name = f"decoder.{index}"
        model.linear(f"{name}.attention.qkv", 768, 3 * 768)
        model.attend(f"{name}.attention")
        model.linear(f"{name}.attention.output", 768, 768)
        model.linear(f"{name}.feed_forward.in", 768, 3072)
        model.linear(f"{name}.feed_forward.out", 3072, 768)
    model.linear("lm_head", 768, 50257)
    return model.layers


def vit_b16(batch: int) -> list[Layer]:
    """Build ViT-B/16 for 224 x 224: Dosovitskiy et al., ICLR 2021, table 1 and section 3.1."""
    image = ImageBuilder(batch, 3, 224, 224).conv("patches", 768, 16, stride=16)
    tokens = image.height * image.width + 1  # and the class token
    model = TokenBuilder(batch, tokens, 768, 12, layers=image.layers)
    for index in range(12):
        name = f"encoder.{index}"
        model.linear(f"{name}.attention.qkv", 768, 3 * 768)
        model.attend(f"{name}.attention")
        model.linear(f"{name}.attention.output", 768, 768)
        model.linear(f"{name}.feed_forward.in", 768, 3072)
        model.linear(f"{name}.feed_forward.out", 3072, 768)
    model.linear("classifier", 768, 1000, rows=batch)
    return model.layers


def dlrm(batch: int) -> list[Layer]:
    """Build the perceptrons of DLRM as MLPerf runs it on Criteo Terabyte.

    Naumov et al., 2019, figure 1; sizes: facebookresearch/dlrm, bench/run_and_time.sh: 13 dense
    features, 26 tables of 128-wide embeddings; the top takes the 27 x 26 / 2 products of pairs and
    the bottom's 128 outputs. Look-ups and those pair products are not included.
    """
    pairs = 27 * 26 // 2
    return _perceptrons(batch, (13, 512, 256, 128), (pairs + 128, 1024, 1024, 512, 256, 1))


def dlrm_kaggle(batch: int) -> list[Layer]:
    """Build the perceptrons of DLRM for Criteo Kaggle: bench/dlrm_s_criteo_kaggle.sh."""
    pairs = 27 * 26 // 2
    return _perceptrons(batch, (13, 512, 256, 64, 16), (pairs + 16, 512, 256, 1))


def _perceptrons(batch: int, bottom: tuple[int, ...], top: tuple[int, ...]) -> list[Layer]:
    return [
        Layer.matmul(m=batch, n=outputs, k=inputs, name=f"{part}.{index}")
        for part, widths in (("bottom", bottom), ("top", top))
        for index, (inputs, outputs) in enumerate(pairwise(widths))
    ]
