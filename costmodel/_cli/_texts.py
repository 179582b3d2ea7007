"""The programs that a verb is given: files, folders, standard input."""

import sys
from collections.abc import Sequence
from pathlib import Path

from simulators.errors import InvalidConfigError

MAX_BYTES = 64 << 20
SUFFIXES = (".mlir", ".mlirbc", ".txt")


def read_texts(paths: Sequence[Path]) -> dict[str, bytes]:
    """Return the texts by name; of a folder all .mlir files below it; ``-`` is standard input.

    Raises:
        InvalidConfigError: If there is none, or one is too large.
        OSError: If one cannot be read.
    """
    if not paths:
        raise InvalidConfigError("No file is given. Name MLIR files or folders, or - for stdin.")
    found: dict[str, bytes] = {}
    for path in paths:
        if str(path) == "-":
            found["-"] = _checked("-", sys.stdin.buffer.read(MAX_BYTES + 1))
            continue
        for file in _files(path):
            found[str(file)] = _checked(str(file), _head(file))
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*.mlir") if file.is_file())
    if not files:
        raise InvalidConfigError(f"There is no .mlir file in '{path}'. Name files themselves.")
    return files


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _checked(name: str, text: bytes) -> bytes:
    if len(text) > MAX_BYTES:
        raise InvalidConfigError(
            f"'{name}' has more than {MAX_BYTES >> 20} MiB. Predict its functions one by one."
        )
    return text
