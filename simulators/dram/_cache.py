"""Shape of the cache hierarchy that a recorded program runs behind."""

from dataclasses import dataclass

from simulators.dram._validation import require_int, require_power_of_two
from simulators.errors import InvalidConfigError

LARGEST_CACHE_BYTES = 1 << 30
LARGEST_WAYS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """One set-associative cache: write-back, write-allocate, true LRU."""

    size_bytes: int
    """Capacity in bytes: ways x line size x a power of two, at most 1 GiB."""

    ways: int
    """Associativity, 1 (direct mapped) to 64."""

    def __post_init__(self) -> None:
        """Reject sizes and associativities out of range."""
        require_int("size_bytes", self.size_bytes, 1, LARGEST_CACHE_BYTES)
        require_int("ways", self.ways, 1, LARGEST_WAYS)

    @property
    def shape(self) -> tuple[int, int]:
        """(size_bytes, ways), as the native filter takes it."""
        return self.size_bytes, self.ways


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHierarchy:
    """Split first level, unified second level, optional third level.

    Physically indexed, neither inclusive nor exclusive, no prefetcher. The defaults are one core's
    share of a small desktop part; a program whose data fit in them causes no DRAM traffic beyond
    its first touches, so shrink the last level to study small inputs.
    """

    l1i: CacheConfig = CacheConfig(size_bytes=32 * 1024, ways=8)
    """Instruction cache."""

    l1d: CacheConfig = CacheConfig(size_bytes=32 * 1024, ways=8)
    """Data cache."""

    l2: CacheConfig = CacheConfig(size_bytes=512 * 1024, ways=8)
    """Unified second level."""

    l3: CacheConfig | None = None
    """Unified third level; None leaves it out."""

    line_bytes: int = 64
    """Line size of every level and so the size of a DRAM request: a power of two, 16 to 1024."""

    def __post_init__(self) -> None:
        """Reject lines and capacities that do not divide into a power-of-two number of sets."""
        require_int("line_bytes", self.line_bytes, 16, 1024)
        require_power_of_two("line_bytes", self.line_bytes)
        for level, cache in self.levels.items():
            sets, rest = divmod(cache.size_bytes, cache.ways * self.line_bytes)
            if rest or sets & (sets - 1) or not sets:
                step = cache.ways * self.line_bytes
                nearest = step << max(0, (cache.size_bytes // step).bit_length() - 1)
                raise InvalidConfigError(
                    f"{level}.size_bytes is {cache.size_bytes}; with {cache.ways} ways of "
                    f"{self.line_bytes}-byte lines it must be {step} x a power of two, "
                    f"for example {nearest}."
                )

    @property
    def levels(self) -> dict[str, CacheConfig]:
        """The caches by name, first level first."""
        named = {"l1i": self.l1i, "l1d": self.l1d, "l2": self.l2}
        return named if self.l3 is None else named | {"l3": self.l3}
