"""Energy and area of SRAM arrays at 45 nm: a published table, interpolated between its rows.

The table (``tables/sram_45nm.toml``) covers 8 to 256 bits, 64 to 65,536 rows, 1 to 128 banks and 1
or 2 read-write ports. Every figure is interpolated linearly in the logarithms of the figure, rows,
width and banks: of the methods tried (also monotone cubics, Gaussian processes and a quadratic fit)
none predicts left-out rows better, and this one never leaves the range of its neighbours.
``python -m experiments.validation.components`` measures it.
"""

import math
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulators.errors import InvalidConfigError

__all__ = ["MIN_BANK_BYTES", "MIN_BANK_ROWS", "SramFigures", "SramTable", "measured_arrays", "sram"]

FIGURES = ("read_pj", "write_pj", "idle_pj", "area_um2")
# CACTI organises no array of fewer rows; Accelergy pads to it. (It pads words to 32 bits too, which
# is why the narrow arrays of the table cost the same for up to 256 bytes.)
MIN_ROWS = 64
# CACTI finds no organisation for banks below these sizes.
MIN_BANK_ROWS, MIN_BANK_BYTES = 32, 64
# Beyond 64 times the deepest row of the table it is no on-chip memory.
MAX_ROWS = 1 << 22

Key = tuple[float, float, float]
"""Width in bits, rows, banks."""
Values = tuple[float, ...]
"""The four figures, or their logarithms."""
_Line = list[tuple[float, Values]]
"""Values at numbers of rows, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SramFigures:
    """What one SRAM array costs at 45 nm."""

    read_pj: float
    write_pj: float
    idle_pj: float
    area_um2: float
    interpolated: bool
    """Whether the array is no row of the table."""
    extrapolated: bool
    """Whether it lies outside the rows of the table."""


@cache
def sram(
    width_bits: float, rows: float, banks: int = 1, ports: int = 2, *, monotone: bool = True
) -> SramFigures:
    """Return the cost of an array; see `SramTable.figures`."""
    return _table(monotone).figures(width_bits, rows, banks, ports)


@cache
def _table(monotone: bool) -> "SramTable":
    return SramTable(measured_arrays(), monotone=monotone)


def measured_arrays() -> dict[int, dict[Key, Values]]:
    """Return the table: ports to (width in bits, rows, banks) to read, write, idle and area."""
    text = files(__package__).joinpath("tables/sram_45nm.toml").read_text(encoding="utf-8")
    arrays: dict[int, dict[Key, Values]] = {1: {}, 2: {}}
    for series in tomllib.loads(text)["series"]:
        for rows, *values in zip(series["depth"], *(series[f] for f in FIGURES), strict=True):
            arrays[series["ports"]][series["width_bits"], rows, series["banks"]] = tuple(values)
    return arrays


class SramTable:
    """Measured arrays, and the figures between and around them.

    Args:
        arrays: ports (1 and 2) to measured arrays, as `measured_arrays` returns.
        monotone: raise every figure to at least that of any narrower or shallower array. Two write
            energies of CACTI fall, by 4 and 9 %, where a deeper array is organised in another way.
    """

    def __init__(self, arrays: Mapping[int, Mapping[Key, Values]], *, monotone: bool) -> None:
        self._monotone = monotone
        self._series: dict[tuple[float, float], _Line] = {}
        for (width, rows, banks), values in sorted(arrays[2].items()):
            self._series.setdefault((width, banks), []).append((rows, values))
        self._widths = sorted({width for width, _ in self._series})
        self._depths = sorted({rows for held in arrays.values() for _, rows, _ in held})
        self._measured = {ports: dict(held) for ports, held in arrays.items()}
        self._port_lines, self._bank_line = self._one_port_lines(arrays[1])

    def _one_port_lines(self, arrays: Mapping[Key, Values]) -> tuple[dict[float, _Line], _Line]:
        """Return what one port saves along the rows, by width, and what it saves more with banks.

        Both are logarithms of the figures relative to two ports.
        """
        by_width: dict[float, _Line] = {}
        for (width, rows, banks), values in sorted(arrays.items()):
            if banks == 1:
                two = self._two_ports(width, rows, banks)[0]
                by_width.setdefault(width, []).append((rows, _minus(_logs(values), two)))
        by_rows: dict[float, list[Values]] = {}
        for (width, rows, banks), values in sorted(arrays.items()):
            if banks > 1:
                saved = _minus(_logs(values), self._two_ports(width, rows, banks)[0])
                unbanked = _along(by_width[width], rows)
                by_rows.setdefault(rows, []).append(_minus(saved, unbanked))
        means = [
            (rows, tuple(sum(column) / len(column) for column in zip(*many, strict=True)))
            for rows, many in sorted(by_rows.items())
        ]
        return by_width, means

    def figures(self, width_bits: float, rows: float, banks: int, ports: int) -> SramFigures:
        """Return the cost of an array of ``rows`` rows of ``width_bits`` in ``banks`` banks.

        Small arrays cost what the smallest that CACTI organises does. A width above the table's is
        charged in proportion, as arrays side by side.

        Raises:
            InvalidConfigError: no such array can be built, or it is far larger than the table's.
        """
        _check(width_bits, rows, banks, ports)
        padded = max(rows, MIN_ROWS)
        values, inside = self._at(width_bits, padded, banks, ports)
        if self._monotone:
            for width in [*(w for w in self._widths if w < width_bits), width_bits]:
                for depth in [*(d for d in self._depths if d < padded), padded]:
                    values = tuple(map(max, values, self._at(width, depth, banks, ports)[0]))
        read, write, idle, area = values
        return SramFigures(
            read_pj=read,
            write_pj=write,
            idle_pj=idle,
            area_um2=area,
            interpolated=(width_bits, padded, banks) not in self._measured[ports],
            extrapolated=not inside,
        )

    def _at(self, width: float, rows: float, banks: int, ports: int) -> tuple[Values, bool]:
        """Return the figures, and whether the array lies inside the table."""
        measured = self._measured[ports].get((width, rows, banks))
        if measured is not None:
            return measured, True
        logs, inside = self._two_ports(width, rows, banks)
        if ports == 1:
            logs = _plus(logs, self._one_port(width, rows, banks))
            inside = inside and self._inside_one_port(width, rows, banks)
        return tuple(map(math.exp, logs)), inside

    def _one_port(self, width: float, rows: float, banks: float) -> Values:
        """Return the logarithms of one port's figures relative to two ports'."""
        low, high, share = _bracket(sorted(self._port_lines), width)
        saved = _mix(
            _along(self._port_lines[low], rows), _along(self._port_lines[high], rows), share
        )
        # Measured at 64 bits and from 16 banks on, where it no longer grows. Wires to banks cost
        # little in narrow arrays, so the saving is taken to vanish at 8 bits.
        wide = min(max(math.log2(width / 8) / 3, 0.0), 1.0)
        weight = wide * min(math.log2(banks) / 4, 1.0)
        return _plus(saved, tuple(weight * v for v in _along(self._bank_line, rows)))

    def _inside_one_port(self, width: float, rows: float, banks: float) -> bool:
        widths = sorted(self._port_lines)
        rows_known = all(line[0][0] <= rows <= line[-1][0] for line in self._port_lines.values())
        return banks == 1 and widths[0] <= width <= widths[-1] and rows_known

    def _two_ports(self, width: float, rows: float, banks: float) -> tuple[Values, bool]:
        """Return the logarithms of the figures, and whether the array lies inside the table."""
        low, high, share = _bracket(self._widths, width)
        below, inside_below = self._banked(low, rows, banks)
        above, inside_above = self._banked(high, rows, banks)
        logs = _mix(below, above, share)
        if width > self._widths[-1]:
            extra = math.log(width / self._widths[-1])
            logs = tuple(value + extra for value in logs)
        inside = self._widths[0] <= width <= self._widths[-1]
        return logs, inside and inside_below and inside_above

    def _banked(self, width: float, rows: float, banks: float) -> tuple[Values, bool]:
        """Interpolate between numbers of banks, at a width of the table."""
        counts = sorted(count for each, count in self._series if each == width)
        if banks > counts[-1]:
            return self._more_banks(width, rows, banks, counts[-1]), False
        low, high, share = _bracket(counts, banks)
        below, inside_below = self._deep(width, rows, low)
        above, inside_above = self._deep(width, rows, high)
        return _mix(below, above, share), inside_below and inside_above

    def _more_banks(self, width: float, rows: float, banks: float, most: float) -> Values:
        """Take what more banks than ``most`` cost from the widths that have them."""
        widest = max(count for _, count in self._series)
        others = sorted(each for each, count in self._series if count == widest)
        low, high, share = _bracket(others, width)
        steps = []
        for other in (low, high):
            many, _ = self._banked(other, rows, min(banks, widest))
            few, _ = self._banked(other, rows, most)
            steps.append(tuple(m - f for m, f in zip(many, few, strict=True)))
        return _plus(self._deep(width, rows, most)[0], _mix(steps[0], steps[1], share))

    def _deep(self, width: float, rows: float, banks: float) -> tuple[Values, bool]:
        """Interpolate between numbers of rows, at a width and a number of banks of the table."""
        series = self._series[width, banks]
        depths = [depth for depth, _ in series]
        if rows < depths[0] and banks > 1:
            # Few rows are measured with one bank only: what the banks add is kept.
            unbanked, _ = self._deep(width, rows, 1)
            base, _ = self._deep(width, depths[0], 1)
            return _plus(_logs(series[0][1]), _minus(unbanked, base)), False
        i = min(max(bisect_right(depths, rows) - 1, 0), max(len(series) - 2, 0))
        j = min(i + 1, len(series) - 1)
        share = 0.0 if i == j else math.log(rows / depths[i]) / math.log(depths[j] / depths[i])
        return _mix(_logs(series[i][1]), _logs(series[j][1]), share), rows <= depths[-1]


def _check(width_bits: float, rows: float, banks: int, ports: int) -> None:
    if ports not in (1, 2):
        raise InvalidConfigError(
            f"An SRAM with {ports} ports is not in the table. Allowed: 1 or 2 read-write ports."
        )
    if not (width_bits >= 1 and 1 <= rows <= MAX_ROWS and banks >= 1):
        raise InvalidConfigError(
            f"An SRAM of {rows:g} rows of {width_bits:g} bits in {banks} banks is not possible. "
            f"Allowed: 1 to {MAX_ROWS:,} rows, at least 1 bit and 1 bank; beyond, use a DRAM."
        )
    bank_rows = rows / banks
    bank_bytes = bank_rows * width_bits / 8
    if banks > 1 and (bank_rows < MIN_BANK_ROWS or bank_bytes < MIN_BANK_BYTES):
        raise InvalidConfigError(
            f"An SRAM of {rows:g} rows of {width_bits:g} bits cannot have {banks} banks: each "
            f"would have {bank_rows:g} rows and {bank_bytes:g} bytes. A bank has at least "
            f"{MIN_BANK_ROWS} rows and {MIN_BANK_BYTES} bytes; use fewer banks."
        )


def _bracket(points: Sequence[float], at: float) -> tuple[float, float, float]:
    """Return the neighbours of ``at`` and its share of the way between their logarithms."""
    clipped = min(max(at, points[0]), points[-1])
    i = bisect_right(points, clipped) - 1
    low, high = points[i], points[min(i + 1, len(points) - 1)]
    share = 0.0 if low == high else math.log(clipped / low) / math.log(high / low)
    return low, high, share


def _logs(values: Values) -> Values:
    return tuple(map(math.log, values))


def _mix(low: Values, high: Values, share: float) -> Values:
    if share == 0:
        return low
    return tuple((1 - share) * a + share * b for a, b in zip(low, high, strict=True))


def _plus(one: Values, other: Values) -> Values:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _minus(one: Values, other: Values) -> Values:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def _along(line: _Line, rows: float) -> Values:
    """Interpolate between the points of a line; constant beyond its ends."""
    low, high, share = _bracket([at for at, _ in line], rows)
    values = dict(line)
    return _mix(values[low], values[high], share)
