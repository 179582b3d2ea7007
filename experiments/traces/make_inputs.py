"""Input files of the recorded programs: seeded, so that they are the same everywhere."""

import random
from pathlib import Path

WORDS = 4_000
TEXT_WORDS = 120_000
SORT_LINES = 40_000
SEED = 20_230_617


def write_inputs(folder: Path) -> None:
    """Write every input file."""
    for name, make in {"text.txt": text, "lines.txt": lines_to_sort}.items():
        content = make(random.Random(SEED))  # noqa: S311  (inputs, not secrets)
        (folder / name).write_text(content, encoding="ascii", newline="\n")


def text(rng: random.Random) -> str:
    """Return text whose word frequencies follow Zipf's law."""
    words = vocabulary(rng)
    weights = [1 / (rank + 1) for rank in range(WORDS)]
    chosen = rng.choices(words, weights, k=TEXT_WORDS)
    return "\n".join(" ".join(chosen[i : i + 12]) for i in range(0, TEXT_WORDS, 12)) + "\n"


def vocabulary(rng: random.Random) -> list[str]:
    """Return pronounceable words, the common ones short, as in a natural language."""
    syllables = [c + v for c in "bcdfghjklmnprstvw" for v in "aeiou"]
    return ["".join(rng.choices(syllables, k=1 + rank * 4 // WORDS)) for rank in range(WORDS)]


def lines_to_sort(rng: random.Random) -> str:
    """Return lines of a random key and a payload."""
    keys = [rng.getrandbits(64) for _ in range(SORT_LINES)]
    return "".join(f"{key:016x} {i:08d} order={key % 977:03d}\n" for i, key in enumerate(keys))
