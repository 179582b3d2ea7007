"""The attributes of a component, as Timeloop's architectures spell them."""

import re
from collections.abc import Mapping
from typing import Any

from simulators.errors import InvalidConfigError

__all__ = ["Attributes"]

DEPTHS = ("depth", "memory_depth")
WIDTHS = ("width", "memory_width")
WORD_BITS = ("word_bits", "word_width", "datawidth")
BLOCKS = ("block_size", "n_words")
BANKS = ("n_banks", "num_banks", "nbanks")
PORTS = ("n_rdwr_ports", "n_ports", "num_ports", "nports")
ONE_WAY_PORTS = ("n_rd_ports", "n_wr_ports")
DATAWIDTHS = ("datawidth", "width", "word_bits", "precision", "multiplier_width")
DEFAULT_NM = 45.0
DEFAULT_WORD_BITS = 16


class Attributes:
    """Attributes by normalised name (``block-size`` is ``block_size``), read as numbers.

    Every method raises `InvalidConfigError` for a value that is not what it should be.

    Args:
        kind: class of the component, for messages.
        values: name to value.
    """

    def __init__(self, kind: str, values: Mapping[str, Any]) -> None:
        self.kind = kind
        self._values = {str(name).lower().replace("-", "_"): v for name, v in values.items()}

    def number(self, name: str, default: float) -> float:
        """Return a positive number; ``default`` if it is not given."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise InvalidConfigError(
                f"{self.kind}: {name}={value!r} is not allowed. Use a positive number."
            )
        return value

    def text(self, name: str, default: str) -> str:
        """Return a text; ``default`` if it is not given."""
        return str(self._values.get(name) or default)

    def _first(self, names: tuple[str, ...]) -> float | None:
        for name in names:
            if self._values.get(name) is not None:
                return self.number(name, 1)
        return None

    def row_bits(self) -> float:
        """Return the bits of a row, over all instances of a cluster."""
        width = self._first(WIDTHS)
        if width is not None:
            return width
        return self._instance_bits() * self.number("cluster_size", 1)

    def cluster_size(self) -> float:
        """Return how many instances are accessed together as one memory (Timeloop's clusters)."""
        width = self._first(WIDTHS)
        if width is None or self._first(WORD_BITS) is None:
            return self.number("cluster_size", 1)
        return self.number("cluster_size", max(width // self._instance_bits(), 1))

    def _instance_bits(self) -> float:
        return (self._first(WORD_BITS) or DEFAULT_WORD_BITS) * (self._first(BLOCKS) or 1)

    def depth(self, default: float | None = None) -> float:
        """Return the number of rows; ``default`` if nothing gives it."""
        depth = self._first(DEPTHS)
        if depth is None and (words := self._first(("entries",))) is not None:
            depth = words / (self._first(BLOCKS) or 1)
        if depth is None and (kib := self._first(("sizekb",))) is not None:
            depth = kib * 8192 / self.row_bits()
        if depth is None:
            depth = default
        if depth is None:
            raise InvalidConfigError(
                f"{self.kind}: no depth is given, so its cost is unknown. Set one of "
                f"{', '.join((*DEPTHS, 'entries', 'sizeKB'))}."
            )
        return max(depth, 1)

    def datawidth(self, default: int) -> float:
        """Return the bits of an operand."""
        return self._first(DATAWIDTHS) or default

    def float_bits(self) -> int:
        """Return the bits of a floating-point format: sign, exponent and mantissa."""
        exponent, mantissa = self._first(("exponent",)), self._first(("mantissa",))
        if exponent is not None and mantissa is not None:
            return int(1 + exponent + mantissa)
        return int(self.datawidth(32))

    def banks(self) -> int:
        """Return the number of banks."""
        return self._whole(self._first(BANKS) or 1, BANKS[0])

    def ports(self, default: int) -> int:
        """Return the number of ports; one that only reads or writes counts as a read-write port."""
        one_way = sum(self.number(name, 0) for name in ONE_WAY_PORTS)
        both = self._first(PORTS)
        return self._whole((both or 0) + one_way or default, PORTS[0])

    def _whole(self, value: float, name: str) -> int:
        if value != int(value):
            raise InvalidConfigError(
                f"{self.kind}: {name}={value!r} is not allowed. Use a whole number."
            )
        return int(value)

    def technology_nm(self) -> float:
        """Return the node of the attribute ``technology``, as in 45 or "45nm"; 45 without it."""
        value = self._values.get("technology")
        if value is None:
            return DEFAULT_NM
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:nm)?", str(value).strip())
        if found is None:
            raise InvalidConfigError(
                f"{self.kind}: technology={value!r} is no node. Write it as in '45nm'."
            )
        return float(found.group(1))
