"""The hardware: a hierarchy of storage levels above an array of multiply-accumulators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.accelerator._frozen import FrozenMap
from simulators.errors import InvalidConfigError, did_you_mean

if TYPE_CHECKING:
    from simulators.accelerator._components import Compatibility
    from simulators.accelerator._timeloop_yaml import Source

_PRESETS = Path(__file__).parent / "presets"

MAX_LEVELS = 16
DRAM_PJ_PER_16_BITS = 200.0
"""Energy of a DRAM access without an energy table (Timeloop's built-in estimate)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One storage level: ``instances`` equal memories.

    Raises:
        InvalidConfigError: a value out of range, or instances that do not form the mesh or the
            clusters.
    """

    name: str
    """Unique within the architecture."""
    technology: str = "SRAM"
    """"DRAM", "SRAM" or "regfile"."""
    depth: int | None = None
    """Rows of one instance; None: unlimited."""
    block_size: int = 1
    """Words per row: what one access reads or writes."""
    word_bits: int = 16
    """Bits per word."""
    instances: int = 1
    """Memories of this level in the whole architecture."""
    mesh_x: int | None = None
    """Columns of the instances' mesh; None: all in one row."""
    cluster_size: int = 1
    """Instances that are accessed together as one wide memory."""
    multiple_buffering: float = 1.0
    """Copies of each tile: 2 = double buffering, halves the usable capacity."""
    read_bandwidth: float | None = None
    """Words per cycle and instance; None: unlimited."""
    write_bandwidth: float | None = None
    """Words per cycle and instance for fills and updates; None: unlimited."""
    shared_bandwidth: float | None = None
    """Words per cycle and instance, reads and writes together; None: unlimited."""
    read_energy_pj: float | None = None
    """Per row access of a cluster; None: Timeloop's built-in estimate."""
    write_energy_pj: float | None = None
    """Per row access of a cluster; None: Timeloop's built-in estimate."""
    area_um2: float = 0.0
    """Of one instance."""
    component: str | None = None
    """Component class for the energy and area estimate, e.g. "smartbuffer_SRAM"."""
    attributes: Mapping[str, Any] = field(default=FrozenMap(), hash=False)
    """What the architecture file said, inherited values included."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", FrozenMap(sorted(self.attributes.items())))
        if self.technology not in ("DRAM", "SRAM", "regfile"):
            raise InvalidConfigError(
                f"level {self.name}: technology is {self.technology!r}. "
                "Allowed: 'DRAM', 'SRAM', 'regfile'."
            )
        if self.depth is not None:
            _check_count(self.name, "depth", self.depth)
        for key in ("block_size", "word_bits", "cluster_size"):
            _check_count(self.name, key, getattr(self, key))
        mesh_x = _check_mesh(self.name, self.instances, self.mesh_x)
        object.__setattr__(self, "mesh_x", mesh_x)
        if self.instances % self.cluster_size:
            raise InvalidConfigError(
                f"level {self.name}: {self.instances} instances do not divide into clusters of "
                f"{self.cluster_size}. The cluster size is width / (word bits x block size) "
                "unless given; correct one of them."
            )
        self._check_reals()

    def _check_reals(self) -> None:
        for key in ("read_bandwidth", "write_bandwidth", "shared_bandwidth"):
            value = getattr(self, key)
            if value is not None and not _is_real(value, above=0):
                raise InvalidConfigError(
                    f"level {self.name}: {key} is {value!r}. "
                    "Give a positive number of words per cycle, or None for unlimited."
                )
        for key in ("read_energy_pj", "write_energy_pj", "area_um2"):
            value = getattr(self, key)
            if value is not None and not _is_real(value):
                raise InvalidConfigError(
                    f"level {self.name}: {key} is {value!r}. Give a number of 0 or more."
                )
        if not _is_real(self.multiple_buffering, above=0):
            raise InvalidConfigError(
                f"level {self.name}: multiple_buffering is {self.multiple_buffering!r}. "
                "Give a positive number; 2 is double buffering."
            )

    @property
    def mesh_y(self) -> int:
        """Rows of the instances' mesh."""
        return self.instances // (self.mesh_x or 1)

    @property
    def size_words(self) -> int | None:
        """Words that one instance holds; None: unlimited."""
        return None if self.depth is None else self.depth * self.block_size

    @property
    def capacity_words(self) -> int | None:
        """Words of tiles that fit beside their copies; None: unlimited."""
        size = self.size_words
        return None if size is None else floor(size / self.multiple_buffering)

    @property
    def access_energy_pj(self) -> tuple[float, float]:
        """Read and write energy of one row access of a cluster, built-in where none is given."""
        built_in = self._built_in_energy_pj()
        read, write = self.read_energy_pj, self.write_energy_pj
        return (built_in if read is None else read, built_in if write is None else write)

    def _built_in_energy_pj(self) -> float:
        # Timeloop v3.0.3, pat.cpp: a line through 1 pJ per 16 bits at half a kilobyte; a DRAM
        # access costs 200 pJ per 16 bits.
        width_bits = self.word_bits * self.block_size * self.cluster_size
        if self.technology == "DRAM":
            return DRAM_PJ_PER_16_BITS * width_bits / 16
        rows = ceil((self.size_words or 0) / self.block_size)
        kilobytes = width_bits * rows / 8192
        return (5 / 99.5 * (kilobytes - 0.5) + 1) * width_bits / 16 / self.cluster_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """The multiply-accumulators.

    Raises:
        InvalidConfigError: a value out of range, or instances that do not form the mesh.
    """

    name: str = "mac"
    """Unique within the architecture."""
    instances: int = 1
    """Multiply-accumulators in the whole architecture."""
    mesh_x: int | None = None
    """Columns of their mesh; None: all in one row."""
    energy_pj: float = 0.0
    """Of one multiply-accumulate."""
    area_um2: float = 0.0
    """Of one instance."""
    word_bits: int = 16
    """Bits per operand."""
    component: str | None = None
    """Component class for the energy and area estimate, e.g. "intmac"."""
    attributes: Mapping[str, Any] = field(default=FrozenMap(), hash=False)
    """What the architecture file said, inherited values included."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", FrozenMap(sorted(self.attributes.items())))
        _check_count(self.name, "word_bits", self.word_bits)
        mesh_x = _check_mesh(self.name, self.instances, self.mesh_x)
        object.__setattr__(self, "mesh_x", mesh_x)
        for key in ("energy_pj", "area_um2"):
            if not _is_real(getattr(self, key)):
                raise InvalidConfigError(
                    f"compute {self.name}: {key} is {getattr(self, key)!r}. "
                    "Give a number of 0 or more."
                )

    @property
    def mesh_y(self) -> int:
        """Rows of the instances' mesh."""
        return self.instances // (self.mesh_x or 1)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A spatial accelerator: storage levels, outermost first, and the compute array.

    Raises:
        InvalidConfigError: no level, too many levels, or names that are not unique.
    """

    name: str
    """Any text."""
    levels: tuple[Level, ...]
    """Outermost (usually DRAM) first."""
    compute: Compute
    """What the innermost level feeds."""
    technology_nm: float = 45.0
    """Feature size that the estimates are for."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        if not 1 <= len(self.levels) <= MAX_LEVELS:
            raise InvalidConfigError(
                f"architecture {self.name!r} has {len(self.levels)} storage levels. "
                f"Allowed: 1 to {MAX_LEVELS}."
            )
        names = [*(level.name for level in self.levels), self.compute.name]
        for name in names:
            if names.count(name) > 1:
                raise InvalidConfigError(
                    f"architecture {self.name!r}: the name {name!r} is used more than once. "
                    "Rename one of them."
                )

    @classmethod
    def from_timeloop(
        cls,
        source: "Source",
        energy_table: "Source | None" = None,
        area_table: "Source | None" = None,
        *,
        compatibility: "Compatibility" = "corrected",
    ) -> "Architecture":
        """Read a Timeloop v0.2 or v0.3 architecture.

        Args:
            source: path, text or content, with or without the outer "architecture" key.
            energy_table: component name -> {action: pJ}, or an Accelergy ERT (file or content);
                None: estimated from the component classes.
            area_table: component name -> um2, or an Accelergy ART; None: estimated.
            compatibility: of the estimates: "corrected" charges every stored bit, "accelergy" does
                as that tool does, for which the depth of a register file costs nothing.

        Raises:
            InvalidConfigError: unreadable, another version, or a key, class or attribute that is
                missing, unknown or out of range; the message names the node.
        """
        from simulators.accelerator._timeloop_architecture import architecture_from_timeloop

        return architecture_from_timeloop(source, energy_table, area_table, compatibility)

    def to_timeloop(self) -> dict[str, Any]:
        """Return the architecture as Timeloop v0.3 content, without energies and areas."""
        from simulators.accelerator._timeloop_architecture import architecture_to_timeloop

        return architecture_to_timeloop(self)

    @classmethod
    def preset(cls, name: str) -> "Architecture":
        """Return an architecture shipped with the project; see `Architecture.presets`.

        Raises:
            InvalidConfigError: no such preset.
        """
        if name not in cls.presets():
            raise InvalidConfigError(
                f"unknown architecture {name!r}.{did_you_mean(name, cls.presets())} "
                f"Available: {', '.join(cls.presets())}; "
                "other architectures: Architecture.from_timeloop."
            )
        return cls.from_timeloop(_PRESETS / f"{name}.yaml")

    @staticmethod
    def presets() -> list[str]:
        """Return the names of the architectures shipped with the project."""
        return sorted(path.stem for path in _PRESETS.glob("*.yaml"))

    def level(self, name: str) -> Level:
        """Return the storage level called ``name``.

        Raises:
            InvalidConfigError: no such level.
        """
        for level in self.levels:
            if level.name == name:
                return level
        names = [level.name for level in self.levels]
        raise InvalidConfigError(
            f"architecture {self.name!r} has no level {name!r}.{did_you_mean(name, names)} "
            f"Levels: {', '.join(names)}."
        )

    @property
    def area_um2(self) -> float:
        """Area of all instances of all levels and of the compute array."""
        parts: tuple[Level | Compute, ...] = (*self.levels, self.compute)
        return float(sum(part.instances * part.area_um2 for part in parts))


def _is_real(value: object, above: float | None = None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > above if above is not None else 0 <= value < float("inf")


def _check_count(node: str, key: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise InvalidConfigError(f"{node}: {key} is {value!r}. Give a positive integer.")


def _check_mesh(node: str, instances: object, mesh_x: int | None) -> int:
    _check_count(node, "instances", instances)
    assert isinstance(instances, int)  # noqa: S101
    if mesh_x is None:
        return instances
    _check_count(node, "mesh_x", mesh_x)
    if instances % mesh_x:
        raise InvalidConfigError(
            f"{node}: {instances} instances do not fill a mesh {mesh_x} wide. "
            f"meshX has to divide {instances}."
        )
    return mesh_x
