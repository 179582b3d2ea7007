"""Text formats of memory traces: what a line looks like, and reading a file of such lines."""

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulators.dram import _core
from simulators.errors import TraceFormatError

Arrays: TypeAlias = tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.bool_]]
"""Times in clock cycles, byte addresses, and whether each request writes."""

_GZIP_MAGIC = b"\x1f\x8b"
MAX_TEXT_BYTES = 2 << 30
"""Largest decompressed trace, about 100 million requests: a guard against compression bombs."""


@dataclass(frozen=True, slots=True)
class TraceFormat:
    """A line format that the native reader knows."""

    reader: str
    """Its name there."""
    line: str
    """The form of a line, for messages."""
    example: str


STL = TraceFormat("stl", "TIME: read|write 0xADDRESS [DATA]", "31: read 0x400140")
DRAMSIM3 = TraceFormat("dramsim3", "0xADDRESS READ|WRITE CYCLE", "0x400140 READ 31")
RAMULATOR = TraceFormat("ramulator", "0xADDRESS R|W", "0x400140 R")
RAMULATOR_CPU = TraceFormat(
    "ramulator-cpu", "BUBBLES READ-ADDRESS [WRITE-BACK-ADDRESS]", "3 20734016 20734272"
)

_FAULTS = {
    "colon": "no colon after the time stamp",
    "time": "the time stamp is not a whole decimal number of clock cycles",
    "negative": "the time stamp is negative; time starts at 0",
    "time-range": "the time stamp is above 2^53 clock cycles",
    "decreasing": "the time stamp is below that of the line before; sort the trace, or read it "
    "with allow_decreasing=True to send such requests as soon as possible",
    "command": "the command is not one of those allowed",
    "address": "the address is not a hexadecimal number with prefix 0x",
    "address-range": "the address needs more than 64 bits",
    "trailing": "there is text after the request",
}


def read_trace(path: str | os.PathLike[str], form: TraceFormat, *, ordered: bool) -> Arrays:
    """Read a trace file, decompressing it if it is gzip.

    Args:
        path: the file; gzip is recognised by content.
        form: what its lines look like.
        ordered: whether decreasing time stamps are an error.

    Raises:
        TraceFormatError: unreadable, empty or damaged file, or a malformed line.
    """
    return parse_trace(read_text(Path(path)), str(path), form, ordered=ordered)


def parse_trace(data: bytes, where: str, form: TraceFormat, *, ordered: bool) -> Arrays:
    """Parse the text of a trace; ``where`` names it in messages.

    Raises:
        TraceFormatError: a malformed line, or no request at all.
    """
    times, addresses, writes, fault = _core.read_trace(data, form.reader, ordered)
    if fault is not None:
        reason, line, begin, end = fault
        raise TraceFormatError(
            f"{where}:{line}: {_shown(data[begin : min(end, begin + 200)])}: {_FAULTS[reason]}. "
            f"Allowed: '{form.line}', for example '{form.example}'; # starts a comment."
        )
    if not len(times):
        raise TraceFormatError(
            f"{where}: no request in it. A trace needs at least one line '{form.line}', for "
            f"example '{form.example}'."
        )
    return times, addresses, writes


def read_text(path: Path) -> bytes:
    """Return the content of ``path``, decompressed.

    Raises:
        TraceFormatError: not a readable, non-empty file, damaged gzip, or larger than
            `MAX_TEXT_BYTES`.
    """
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise TraceFormatError(f"{path}: {what}. Give the path of a trace file.")
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise TraceFormatError(_too_large(path))
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = _decompress(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceFormatError(
            f"{path}: damaged or truncated gzip file ({error}). Compress the trace again."
        ) from None
    except OSError as error:
        raise TraceFormatError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if not data:
        raise TraceFormatError(f"{path}: the file is empty (0 bytes). Give a trace with requests.")
    return data.removeprefix(b"\xef\xbb\xbf")


def first_token_pair(data: bytes) -> tuple[bytes, bytes]:
    """Return the first two tokens of the first line that holds a request, b"" where missing."""
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        tokens = data[begin : min(end, begin + 200)].split(maxsplit=2)
        if tokens and not tokens[0].startswith(b"#"):
            return tokens[0], tokens[1] if len(tokens) > 1 else b""
        begin = end + 1
    return b"", b""


def _decompress(path: Path) -> bytes:
    with gzip.open(path) as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise TraceFormatError(_too_large(path))
    return data


def _too_large(path: Path) -> str:
    return f"{path}: holds more than {MAX_TEXT_BYTES >> 30} GiB of text. Split the trace."


def _shown(line: bytes) -> str:
    text = repr(line.decode("utf-8", errors="backslashreplace").strip())
    return text if len(text) <= 80 else text[:76] + "...'"
