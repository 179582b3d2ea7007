"""The files of SCALE-Sim: topologies (layers as CSV) and configurations."""

from collections.abc import Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from math import ceil
from os import PathLike
from pathlib import Path
from typing import Literal, TypedDict, cast, get_args

from simulators.accelerator._layer import Layer
from simulators.errors import InvalidConfigError

__all__ = ["Config", "Dataflow", "read_config", "read_topology"]

PathText = str | PathLike[str]
TopologyKind = Literal["auto", "conv", "gemm"]
Dataflow = Literal["ws", "is", "os"]
"""Weights, inputs or outputs are stationary."""

CONV_COLUMNS = (
    "IFMAP height",
    "IFMAP width",
    "filter height",
    "filter width",
    "channels",
    "number of filters",
    "stride",
)
GEMM_COLUMNS = ("M", "N", "K")
DEPTHWISE = "DP"
SECTION = "architecture_presets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a SCALE-Sim configuration says about the array."""

    name: str
    """Name of the run."""
    array: tuple[int, int]
    """Rows and columns of PEs."""
    dataflow: Dataflow
    """What is stationary."""
    input_buffer_kib: int | None
    """Buffer of the inputs, if given."""
    weight_buffer_kib: int | None
    """Buffer of the weights, if given."""
    output_buffer_kib: int | None
    """Buffer of the outputs, if given."""


def read_config(path: PathText) -> Config:
    """Read a SCALE-Sim ``.cfg`` file; what says nothing about the array is not looked at.

    Raises:
        InvalidConfigError: the file cannot be read, or an entry is missing or not allowed.
    """
    file = Path(path)
    parser = ConfigParser()
    try:
        parser.read_string(_text(file))
    except ConfigParserError as error:
        raise InvalidConfigError(f"{file.name}: no SCALE-Sim configuration: {error}") from None
    if not parser.has_section(SECTION):
        raise InvalidConfigError(f"{file.name}: no section [{SECTION}]. Add it.")
    entries = dict(parser[SECTION])
    rows = _entry(file, entries, "ArrayHeight")
    columns = _entry(file, entries, "ArrayWidth")
    return Config(
        name=parser.get("general", "run_name", fallback=file.stem).strip("\"' "),
        array=(rows, columns),
        dataflow=_dataflow(file, entries),
        input_buffer_kib=_buffer(file, entries, "Ifmap"),
        weight_buffer_kib=_buffer(file, entries, "Filter"),
        output_buffer_kib=_buffer(file, entries, "Ofmap"),
    )


def _dataflow(file: Path, entries: dict[str, str]) -> Dataflow:
    text = entries.get("dataflow", "").strip().lower()
    for dataflow in get_args(Dataflow):
        if text == dataflow:
            return cast(Dataflow, dataflow)
    raise InvalidConfigError(f"{file.name}: Dataflow is {text!r}. Allowed: ws, is, os.")


def _entry(file: Path, entries: dict[str, str], name: str) -> int:
    text = entries.get(name.lower())
    if text is None:
        raise InvalidConfigError(f"{file.name}: [{SECTION}] lacks {name}. Add it.")
    if not text.strip().isdecimal() or int(text) < 1:
        raise InvalidConfigError(
            f"{file.name}: {name} is {text!r}. Use a whole number of at least 1."
        )
    return int(text)


def _buffer(file: Path, entries: dict[str, str], which: str) -> int | None:
    # Written so by version 2 and 3, and by version 1.
    for name in (f"{which}SramSzkB", f"{which}SramSz"):
        if name.lower() in entries:
            return _entry(file, entries, name)
    return None


def read_topology(path: PathText, kind: TopologyKind = "auto") -> list[Layer]:
    """Read a SCALE-Sim topology: one layer a line after the header.

    A convolution is written as the sizes of its input and filter, channels, filters and stride, a
    matrix product as M, N, K. A convolution with "DP" in its name is depthwise: every channel on
    its own, as SCALE-Sim takes it.

    Args:
        path: the CSV file.
        kind: "conv", "gemm", or "auto" to tell from the number of columns.

    Raises:
        InvalidConfigError: the file cannot be read, or a line is no layer.
    """
    file = Path(path)
    lines = [line.strip() for line in _text(file).splitlines()]
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip(" ,")]
    if len(filled) < 2:
        raise InvalidConfigError(f"{file.name}: no layers below the header line. Add one a line.")
    return [_layer(f"{file.name}, line {number}", line, kind) for number, line in filled[1:]]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"Cannot read '{file}': {error}.") from None


def _layer(where: str, line: str, kind: TopologyKind) -> Layer:
    fields = [field.strip() for field in line.rstrip(", ").split(",")]
    name, values = fields[0], fields[1:]
    if values and ":" in values[-1]:
        _check_dense(where, values.pop())
    if kind == "gemm" or (kind == "auto" and len(values) == len(GEMM_COLUMNS)):
        m, n, k = _numbers(where, values, GEMM_COLUMNS)
        return Layer.matmul(m=m, n=n, k=k, name=name)
    return _convolution(where, name, _numbers(where, values, CONV_COLUMNS))


def _check_dense(where: str, ratio: str) -> None:
    kept, _, of = ratio.partition(":")
    if kept.strip() != of.strip():
        raise InvalidConfigError(
            f"{where}: weights of sparsity {ratio} are not modelled. Use 1:1, or leave it out."
        )


def _numbers(where: str, values: Sequence[str], columns: Sequence[str]) -> list[int]:
    if len(values) != len(columns):
        raise InvalidConfigError(
            f"{where}: {len(values)} numbers after the name. Needed are {len(columns)}: "
            f"{', '.join(columns)}."
        )
    for value, column in zip(values, columns, strict=True):
        if not value.isdecimal() or int(value) < 1:
            raise InvalidConfigError(
                f"{where}: {column} is {value!r}. Use a whole number of at least 1."
            )
    return [int(value) for value in values]


class _Window(TypedDict):
    r: int
    s: int
    p: int
    q: int
    stride: tuple[int, int]


def _convolution(where: str, name: str, numbers: Sequence[int]) -> Layer:
    height, width, filter_height, filter_width, channels, filters, stride = numbers
    if filter_height > height or filter_width > width:
        raise InvalidConfigError(
            f"{where}: the filter of {filter_height} x {filter_width} is larger than its input of "
            f"{height} x {width}. SCALE-Sim has no padding: add it to the input."
        )
    # SCALE-Sim counts a last step that only partly overlaps the input.
    window: _Window = {
        "r": filter_width,
        "s": filter_height,
        "p": ceil((width - filter_width + stride) / stride),
        "q": ceil((height - filter_height + stride) / stride),
        "stride": (stride, stride),
    }
    if DEPTHWISE not in name:
        return Layer.conv(c=channels, m=filters, name=name, **window)
    if filters == 1:
        return Layer.depthwise(c=channels, name=name, **window)
    return Layer.grouped(g=channels, c=1, m=filters, name=name, **window)
