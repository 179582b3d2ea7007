"""The accelerator that MAESTRO assumes: processing elements with L1, a NoC, one L2, off-chip."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

from simulators.errors import InvalidConfigError, did_you_mean

UNLIMITED = 2**31 - 1
"""MAESTRO's figure for a bandwidth or size that its hardware file leaves out."""

_FILE_KEYS = {
    "num_pes": "pes",
    "l1_size_cstr": "l1_size",
    "l2_size_cstr": "l2_size",
    "noc_bw_cstr": "noc_bandwidth",
    "offchip_bw_cstr": "offchip_bandwidth",
    "NoC_NumHops": "noc_hops",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Resources of the accelerator. One element is one byte.

    Raises:
        InvalidConfigError: a value that is no integer, or too small.
    """

    pes: int
    """Processing elements, at least 1."""
    noc_bandwidth: int = UNLIMITED
    """Elements per cycle of each level's network, at least 1."""
    noc_hops: int = 1
    """Mean hops from a buffer to a sub-cluster."""
    noc_hop_latency: int = 1
    """Cycles per hop."""
    offchip_bandwidth: int = UNLIMITED
    """Elements per cycle to and from the memory behind L2, at least 1."""
    l1_size: int = UNLIMITED
    """Bytes of L1 in each processing element: only compared with what a mapping needs."""
    l2_size: int = UNLIMITED
    """Bytes of L2: only compared with what a mapping needs."""
    simd: int = 1
    """Multiply-accumulates per cycle and processing element, at least 1."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in ("noc_hops", "noc_hop_latency") else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidConfigError(
                    f"hardware: {field.name} is {value!r}. Give an integer of {least} or more."
                )

    @classmethod
    def from_text(cls, text: str) -> "Hardware":
        """Read a MAESTRO hardware file's text: ``num_pes: 256`` and so on, one a line.

        Raises:
            InvalidConfigError: a line that cannot be read, or no ``num_pes``.
        """
        found: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            content = line.split("//")[0].strip()
            if not content:
                continue
            match = re.fullmatch(r"(\w+)\s*:?\s*(\d+)\s*;?", content)
            if match is None or match[1] not in _FILE_KEYS:
                key = content.split(":")[0].strip()
                raise InvalidConfigError(
                    f"line {number}: {content!r} is no hardware setting."
                    f"{did_you_mean(key, _FILE_KEYS)} Write 'name: integer' with a name of "
                    f"{', '.join(_FILE_KEYS)}."
                )
            found[_FILE_KEYS[match[1]]] = int(match[2])
        if "pes" not in found:
            raise InvalidConfigError("the hardware file has no num_pes. Add 'num_pes: 256'.")
        return cls(**found)

    @classmethod
    def from_file(cls, path: str | Path) -> "Hardware":
        """Read a MAESTRO hardware file; see `from_text`."""
        return cls.from_text(Path(path).read_text(encoding="utf-8"))

    def packed(self) -> tuple[int, int, int, int, int]:
        """Return the numbers that the native core takes."""
        latency = self.noc_hops * self.noc_hop_latency
        return self.pes, self.noc_bandwidth, latency, self.offchip_bandwidth, self.simd
