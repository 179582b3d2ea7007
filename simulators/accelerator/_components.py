"""Energy and area of an accelerator's components, from tables at 45 nm.

The tables are data (``tables/*.toml``); this file says how a component is made of their entries.
"""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from simulators.accelerator._attributes import Attributes
from simulators.accelerator._sram import sram
from simulators.accelerator._technology import TABLE_NM, node_scale
from simulators.errors import InvalidConfigError, did_you_mean

__all__ = ["Compatibility", "ComponentCost", "component_classes", "estimate"]

Compatibility = Literal["corrected", "accelergy"]

# Accelergy's CACTI plug-in refuses smaller memories; its tables of registers answer instead.
MIN_SRAM_BYTES = 64
ADDRESS_BITS = 16
# Share of a multiplication's energy that is left when one operand stays the same (Accelergy).
REUSED = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentCost:
    """What one instance of a component costs."""

    read_energy_pj: float = 0.0
    """Energy of reading one row, of a whole cluster; 0 for what is no storage."""

    write_energy_pj: float = 0.0
    """Energy of writing one row, of a whole cluster; 0 for what is no storage."""

    idle_energy_pj: float
    """Energy of a cycle without an action."""

    area_um2: float
    """Area of one instance, also within a cluster; 0 for off-chip memory."""

    actions: Mapping[str, float]
    """Energy in pJ of every action, "idle" included; of all arguments the most expensive."""

    source: str
    """Where the figures are from."""

    interpolated: bool = False
    """Whether the component lies between the rows of a table."""

    extrapolated: bool = False
    """Whether it lies outside the rows of a table: trust it less."""


@dataclass(frozen=True, slots=True)
class _Cost:
    """A cost while it is put together: energies by action."""

    actions: dict[str, float]
    area_um2: float
    source: str
    interpolated: bool = False
    extrapolated: bool = False
    on_chip: bool = field(default=True, kw_only=True)


def estimate(
    component_class: str,
    attributes: Mapping[str, Any],
    technology_nm: float | None = None,
    *,
    compatibility: Compatibility = "corrected",
) -> ComponentCost:
    """Return the energy and area of a component.

    Args:
        component_class: class name as in Accelergy and Timeloop, in any case: see
            `component_classes`.
        attributes: of the component, named as in Timeloop's architectures (``depth`` or
            ``memory_depth``, ``width``, ``word-bits``, ``block-size``, ``n_banks``,
            ``n_rdwr_ports``, ``datawidth``, ``type``, ...). Others have no influence.
        technology_nm: node, 7 to 180; None: the attribute ``technology``, else 45.
        compatibility: "accelergy" reproduces that tool, in whose tables a register file has one
            row of bits however deep it is, and for whose classes ``SRAM`` and ``regfile`` the
            ``memory_depth`` and ``memory_width`` of Timeloop do not exist. "corrected" charges
            every bit of every row; accesses and area of a larger memory never cost less.

    Raises:
        InvalidConfigError: the class is unknown, an attribute is missing or not allowed, or no
            table covers the component.
    """
    modes = get_args(Compatibility)
    if compatibility not in modes:
        raise InvalidConfigError(
            f"compatibility={compatibility!r} is not allowed.{did_you_mean(compatibility, modes)} "
            f"Allowed: {', '.join(modes)}."
        )
    make = _CLASSES.get(component_class.lower())
    if make is None:
        raise InvalidConfigError(
            f"Component class {component_class!r} has no energy table."
            f"{did_you_mean(component_class, _CLASSES)} Known: {', '.join(_CLASSES)}. "
            "Or give energies and areas of your own."
        )
    held = Attributes(component_class, attributes)
    cost = make(held, compatibility == "accelergy")
    if compatibility == "corrected":
        cost = replace(cost, area_um2=cost.area_um2 / held.cluster_size())
    return _scaled(cost, held.technology_nm() if technology_nm is None else technology_nm)


def component_classes() -> tuple[str, ...]:
    """Return the class names that `estimate` knows."""
    return tuple(_CLASSES)


def _scaled(cost: _Cost, technology_nm: float) -> ComponentCost:
    actions, area, source = cost.actions, cost.area_um2, cost.source
    if technology_nm != TABLE_NM:
        scale = node_scale(technology_nm)
        if cost.on_chip:
            actions = {name: energy * scale.energy for name, energy in actions.items()}
            area *= scale.area
            source += f", scaled from 45 to {technology_nm:g} nm (Stillmaker and Baas 2017)"
    return ComponentCost(
        read_energy_pj=actions.get("read", 0.0),
        write_energy_pj=actions.get("write", 0.0),
        idle_energy_pj=actions["idle"],
        area_um2=area,
        actions=actions,
        source=source,
        interpolated=cost.interpolated,
        extrapolated=cost.extrapolated,
    )


# ---------------------------------------------------------------- logic


@cache
def _tables() -> dict[str, Any]:
    text = files(__package__).joinpath("tables/components_45nm.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Energy, idle energy and area of a unit of logic."""

    energy_pj: float
    idle_pj: float
    area_um2: float

    def times(self, factor: float) -> "_Unit":
        """Return the cost of ``factor`` such units."""
        return _Unit(factor * self.energy_pj, factor * self.idle_pj, factor * self.area_um2)


def _unit(name: str, bits: float) -> _Unit:
    entry = _tables()[name]
    share = bits / entry["bits"]
    one = _Unit(entry["energy_pj"], entry["idle_pj"], entry["area_um2"])
    return one.times(share**2 if entry["scaling"] == "quadratic" else share)


def _logic(name: str) -> Callable[[Attributes, bool], _Cost]:
    """Return the builder of a class that is one unit of logic."""

    def build(attributes: Attributes, accelergy: bool) -> _Cost:
        unit = _unit(name, attributes.datawidth(32))
        actions = {name: unit.energy_pj, "compute": unit.energy_pj, "idle": unit.idle_pj}
        return _Cost(actions, unit.area_um2, "Aladdin's table")

    return build


def _integer_mac(attributes: Attributes, accelergy: bool) -> _Cost:
    bits = attributes.datawidth(16)
    add, multiply = _unit("adder", bits), _unit("multiplier", bits)
    random = add.energy_pj + multiply.energy_pj
    # As Accelergy defines the actions: gating and reuse spare the multiplier alone.
    actions = {
        "mac_random": random,
        "mac_reused": add.energy_pj + REUSED * multiply.energy_pj,
        "mac_gated": add.energy_pj + multiply.idle_pj,
        "compute": random,
        "idle": add.idle_pj + multiply.idle_pj,
    }
    return _Cost(actions, add.area_um2 + multiply.area_um2, "Aladdin's table")


def _float_mac(attributes: Attributes, accelergy: bool) -> _Cost:
    formats = _tables()["float"]
    bits = attributes.float_bits()
    if str(bits) not in formats:
        raise InvalidConfigError(
            f"{attributes.kind}: no published cost of a floating-point unit of {bits} bits. "
            f"Allowed: {', '.join(formats)}; or give energies and areas of your own."
        )
    table = formats[str(bits)]
    energy = table["add_pj"] + table["multiply_pj"]
    actions = {"mac_random": energy, "compute": energy, "idle": 0.0}
    return _Cost(actions, table["add_um2"] + table["multiply_um2"], "Horowitz, ISSCC 2014")


# ---------------------------------------------------------------- storage


def _storage(read: float, write: float, unit: _Unit, source: str) -> _Cost:
    return _Cost({"read": read, "write": write, "idle": unit.idle_pj}, unit.area_um2, source)


def _register_file(width: float, depth: float, accelergy: bool) -> _Cost:
    """A row of register bits is accessed; every row compares its address."""
    row = _unit("register", width)
    stored = row if accelergy else row.times(depth)
    decode = _unit("comparator", 1).times(depth * math.ceil(math.log2(depth)))
    access = row.energy_pj + decode.energy_pj
    unit = _Unit(access, stored.idle_pj + decode.idle_pj, stored.area_um2 + decode.area_um2)
    return _storage(access, access, unit, "registers and comparators of Aladdin's table")


def _array(attributes: Attributes, size: "_Size", default_ports: int, accelergy: bool) -> _Cost:
    ports = attributes.ports(default_ports)
    if size.width * size.depth < 8 * MIN_SRAM_BYTES:
        registers = _register_file(size.width, size.depth, accelergy)
        if accelergy:
            return registers
        # An array would do as well, so none of them costs more than that. They still may idle at a
        # higher power.
        array = sram(size.width, size.depth, 1, ports)
        actions = {
            "read": min(registers.actions["read"], array.read_pj),
            "write": min(registers.actions["write"], array.write_pj),
            "idle": registers.actions["idle"],
        }
        area_um2 = min(registers.area_um2, array.area_um2)
        return replace(registers, actions=actions, area_um2=area_um2)
    figures = sram(size.width, size.depth, attributes.banks(), ports, monotone=not accelergy)
    where = "outside" if figures.extrapolated else "between"
    inexact = figures.interpolated or figures.extrapolated
    unit = _Unit(figures.read_pj, figures.idle_pj, figures.area_um2)
    cost = _storage(
        figures.read_pj,
        figures.write_pj,
        unit,
        f"CACTI, {where} the table's rows" if inexact else "CACTI",
    )
    return replace(cost, interpolated=figures.interpolated, extrapolated=figures.extrapolated)


@dataclass(frozen=True, slots=True)
class _Size:
    """Rows, and bits of a row."""

    width: float
    depth: float

    @classmethod
    def of(cls, held: Attributes, plain: bool, accelergy: bool, width: int, depth: int) -> "_Size":
        """Return the size that is charged; ``width`` and ``depth`` are the tool's defaults."""
        if accelergy and plain:
            return cls(held.number("width", width), held.number("depth", depth))
        return cls(held.row_bits(), held.depth())


def _sram(attributes: Attributes, accelergy: bool) -> _Cost:
    return _array(attributes, _Size.of(attributes, True, accelergy, 64, 512), 1, accelergy)


def _smart_sram(attributes: Attributes, accelergy: bool) -> _Cost:
    size = _Size.of(attributes, False, accelergy, 16, 1)
    return _with_address_generators(_array(attributes, size, 2, accelergy))


def _regfile(attributes: Attributes, accelergy: bool) -> _Cost:
    size = _Size.of(attributes, True, accelergy, 16, 1)
    return _register_file(size.width, size.depth, accelergy)


def _smart_regfile(attributes: Attributes, accelergy: bool) -> _Cost:
    size = _Size.of(attributes, False, accelergy, 16, 1)
    return _with_address_generators(_register_file(size.width, size.depth, accelergy))


def _with_address_generators(storage: _Cost) -> _Cost:
    """Add two adders, for the read and the write address: one works while the other idles."""
    adder = _unit("adder", ADDRESS_BITS)
    actions = {
        action: energy + adder.idle_pj + (adder.idle_pj if action == "idle" else adder.energy_pj)
        for action, energy in storage.actions.items()
    }
    return replace(
        storage,
        actions=actions,
        area_um2=storage.area_um2 + 2 * adder.area_um2,
        source=f"{storage.source}, with address generators",
    )


def _register(attributes: Attributes, accelergy: bool) -> _Cost:
    """Rows of bits without decoder."""
    width = attributes.number("datawidth", 1) if accelergy else attributes.row_bits()
    row = _unit("register", width)
    stored = row if accelergy else row.times(attributes.depth(default=1))
    cost = _storage(row.energy_pj, row.energy_pj, stored, "registers of Aladdin's table")
    return replace(cost, actions={**cost.actions, "access": row.energy_pj})


def _dram(attributes: Attributes, accelergy: bool) -> _Cost:
    per_bit = _tables()["dram_pj_per_bit"]
    kind = attributes.text("type", "LPDDR4")
    if kind not in per_bit:
        raise InvalidConfigError(
            f"{attributes.kind}: no energy per bit for type={kind!r}."
            f"{did_you_mean(kind, per_bit)} Allowed: {', '.join(per_bit)}."
        )
    energy = per_bit[kind] * attributes.row_bits()
    actions = {"read": energy, "write": energy, "idle": 0.0}
    return _Cost(actions, 0.0, f"{per_bit[kind]:g} pJ a bit for {kind}", on_chip=False)


_CLASSES: dict[str, Callable[[Attributes, bool], _Cost]] = {
    "dram": _dram,
    "sram": _sram,
    "storage": _sram,
    "smartbuffer_sram": _smart_sram,
    "smartbuffer": _smart_sram,
    "regfile": _regfile,
    "smartbuffer_rf": _smart_regfile,
    "smartbuffer_regfile": _smart_regfile,
    "register": _register,
    "reg": _register,
    "reg_storage": _register,
    "intmac": _integer_mac,
    "lmac": _integer_mac,
    "mac": _integer_mac,
    "compute": _integer_mac,
    "fpmac": _float_mac,
    "intadder": _logic("adder"),
    "adder": _logic("adder"),
    "intmultiplier": _logic("multiplier"),
    "multiplier": _logic("multiplier"),
    "comparator": _logic("comparator"),
    "counter": _logic("counter"),
}
