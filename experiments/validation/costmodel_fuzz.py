"""Damage programs at random; nothing may crash, and every token must survive.

    python -m experiments.validation.costmodel_fuzz [--count 20000] [--seed 0] [--programs FOLDER]

Each damaged text is cut into tokens, decoded and cut again (the tokens must be the same), and, if
a model is given, predicted (all numbers must be finite).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from costmodel.features import features
from costmodel.models import load_model
from costmodel.testing import axpy_vector, matmul_affine, matmul_linalg, relu_generic
from costmodel.tokenizers import StructuredTokenizer

_BATCH = 200
_PATCHES = (
    *(b"{", b"}", b"(", b"%x", b"#map", b"tensor<", b"0x", b'"', b"-", b"\n", b"\xff", b"^bb"),
    *(b"affine.for %i = 0 to 99999999999999999999 {\n", b"step 0", b"step -1", b"memref<?x?xf32>"),
    *(b"vector<[4]xf32>", b"1e999", b"0.0.0", b"to min #map(", b"func.func @f(", b"x" * 50, b"00x"),
)
_NUMBERS = (0, 1, -1, 2**31, 2**63, 2**64, 10**40)


@dataclass(frozen=True, kw_only=True)
class Fuzz:
    """What to damage, and how often."""

    count: int = 20_000
    """Damaged texts."""
    seed: int = 0
    """Seed of the damage."""
    programs: Path | None = None
    """Folder of .mlir files; by default four small programs."""
    model: str | None = None
    """Model that predicts each of them; by default features are parsed only."""


@dataclass(slots=True)
class Findings:
    """What went wrong; the first such texts."""

    changed: int = 0
    infinite: int = 0
    example: bytes = b""


def mutated(text: bytes, others: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Return a text with one to eleven damages."""
    data = bytearray(text)
    for _ in range(rng.integers(1, 12)):
        at = int(rng.integers(len(data) + 1))
        end = min(len(data), at + int(rng.integers(1, 200)))
        match int(rng.integers(6)):
            case 0:
                del data[at:end]
            case 1:
                data[at:at] = data[int(rng.integers(len(data) + 1)) :][: int(rng.integers(1, 300))]
            case 2:
                data[at:at] = _PATCHES[int(rng.integers(len(_PATCHES)))]
            case 3 if data:
                data[min(at, len(data) - 1)] = int(rng.integers(256))
            case 4:
                data[at:end] = others[int(rng.integers(len(others)))][: int(rng.integers(500))]
            case _:
                data[at:at] = str(_NUMBERS[int(rng.integers(len(_NUMBERS)))]).encode()
    return bytes(data)


def fuzz(config: Fuzz) -> Findings:
    """Damage texts and look what happens to them."""
    sources = _sources(config.programs)
    model = load_model(config.model) if config.model else None
    tokenizer = StructuredTokenizer()
    rng = np.random.default_rng(np.random.SeedSequence(config.seed))
    found = Findings()
    for begin in range(0, config.count, _BATCH):
        texts = [
            mutated(sources[int(rng.integers(len(sources)))], sources, rng)
            for _ in range(min(_BATCH, config.count - begin))
        ]
        for text in texts:
            ids = tokenizer.encode(text).ids
            again = tokenizer.encode(tokenizer.decode_bytes(ids)).ids
            if not np.array_equal(ids, again):
                found.changed += 1
                found.example = found.example or text
        numbers = features(texts).astype(np.float64)
        if model is not None:
            predicted = model.predict(texts)
            parts = (predicted.mean, predicted.lower, predicted.upper, predicted.ood[:, None])
            numbers = np.concatenate([numbers, *parts], axis=1)
        bad = ~np.isfinite(numbers).all(axis=1)
        found.infinite += int(bad.sum())
        if bad.any():
            found.example = found.example or texts[int(np.argmax(bad))]
    return found


def _sources(folder: Path | None) -> list[bytes]:
    if folder is None:
        made = (matmul_affine(unroll=4), matmul_linalg(), relu_generic(), axpy_vector())
        return [text.encode() for text in made]
    return [path.read_bytes() for path in sorted(folder.rglob("*.mlir"))]


def main() -> int:
    """Fuzz; 1 if something went wrong."""
    config = tyro.cli(Fuzz, description=__doc__)
    found = fuzz(config)
    print(
        f"{config.count:,} damaged texts: tokens changed in {found.changed}, "
        f"numbers not finite in {found.infinite}"
    )
    if found.example:
        print(f"for example: {found.example!r}")
    return int(found.changed + found.infinite > 0)


if __name__ == "__main__":
    sys.exit(main())
