"""Energy and area of components: from Accelergy's tables, or estimated from their class."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.accelerator._components import Compatibility, estimate
from simulators.accelerator._timeloop_yaml import Source, load_yaml
from simulators.errors import InvalidConfigError, did_you_mean

_MAC_ACTIONS = ("mac_random", "compute")
"""The action charged per multiply-accumulate, the first that the table has (Timeloop's order)."""


def _short(name: str) -> str:
    """Return the component of a path: "system.PE[0..3].L1[0..1]" is "L1"."""
    return re.sub(r"\[.*?\]", "", str(name)).split(".")[-1].strip()


def _components(source: Source, key: str, what: str) -> dict[str, Any]:
    content = load_yaml(source, what)
    tables = content.get(key, content)
    if isinstance(tables, Mapping) and "tables" in tables:
        tables = tables["tables"]
    if isinstance(tables, Mapping):
        return {_short(name): entry for name, entry in tables.items()}
    if isinstance(tables, list) and all(isinstance(e, Mapping) and "name" in e for e in tables):
        return {_short(entry["name"]): entry for entry in tables}
    raise InvalidConfigError(f"{what}: expected components with values, got {tables!r}.")


def _missing(what: str, name: str, known: Iterable[str]) -> InvalidConfigError:
    known = list(known)
    return InvalidConfigError(
        f"the {what} has no component {name!r}.{did_you_mean(name, known)} "
        f"Components: {', '.join(known)}."
    )


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """pJ per action of every component; without a table: estimated."""

    components: dict[str, dict[str, float]] | None
    compatibility: Compatibility = "corrected"

    @classmethod
    def load(
        cls, source: Source | None, compatibility: Compatibility = "corrected"
    ) -> "EnergyTable":
        """Read ``component -> {action: pJ}`` or an Accelergy ERT; of arguments, the maximum."""
        if source is None:
            return cls(None, compatibility)
        components = _components(source, "ERT", "energy table")
        return cls({name: _actions(name, entry) for name, entry in components.items()})

    def storage(
        self, name: str, kind: str, attributes: Mapping[str, Any], technology_nm: float
    ) -> tuple[float | None, float | None]:
        """Return read and write energy per row access; None where the table has no such action."""
        if self.components is None:
            cost = estimate(kind, attributes, technology_nm, compatibility=self.compatibility)
            return cost.read_energy_pj, cost.write_energy_pj
        if name not in self.components:
            raise _missing("energy table", name, self.components)
        actions = self.components[name]
        return actions.get("read"), actions.get("write")

    def compute(
        self, name: str, kind: str, attributes: Mapping[str, Any], technology_nm: float
    ) -> float:
        """Return the energy of one multiply-accumulate."""
        if self.components is None:
            cost = estimate(kind, attributes, technology_nm, compatibility=self.compatibility)
            actions: Mapping[str, float] = cost.actions
        elif name in self.components:
            actions = self.components[name]
        else:
            raise _missing("energy table", name, self.components)
        for action in _MAC_ACTIONS:
            if action in actions:
                return float(actions[action])
        raise InvalidConfigError(
            f"energy table: component {name!r} has the actions {', '.join(actions)}; "
            f"one of {', '.join(_MAC_ACTIONS)} is needed."
        )


def _actions(name: str, entry: Any) -> dict[str, float]:
    if isinstance(entry, Mapping) and isinstance(entry.get("actions"), list):
        pairs = [(action.get("name"), action.get("energy")) for action in entry["actions"]]
    elif isinstance(entry, Mapping):
        pairs = [(action, value) for action, value in entry.items() if action != "name"]
    else:
        raise InvalidConfigError(f"energy table: component {name!r} is {entry!r}, not actions.")
    actions: dict[str, float] = {}
    for action, value in pairs:
        energy = max(_energies(f"energy table: {name}.{action}", value))
        actions[str(action)] = max(actions.get(str(action), 0.0), energy)
    return actions


def _energies(where: str, value: Any) -> list[float]:
    """Return all numbers of an action: one, a list, or entries with the key "energy"."""
    if isinstance(value, list) and value:
        return [energy for entry in value for energy in _energies(where, entry)]
    if isinstance(value, Mapping):
        value = value.get("energy")
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidConfigError(f"{where} is {value!r}. Give a number of pJ, 0 or more.")
    return [float(value)]


@dataclass(frozen=True, slots=True)
class AreaTable:
    """um2 of one instance of every component; without a table: estimated."""

    components: dict[str, float] | None
    compatibility: Compatibility = "corrected"

    @classmethod
    def load(cls, source: Source | None, compatibility: Compatibility = "corrected") -> "AreaTable":
        """Read ``component -> um2`` or an Accelergy ART."""
        if source is None:
            return cls(None, compatibility)
        areas = {}
        for name, entry in _components(source, "ART", "area table").items():
            value = entry.get("area") if isinstance(entry, Mapping) else entry
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise InvalidConfigError(
                    f"area table: {name} is {value!r}. Give a number of um2, 0 or more."
                )
            areas[name] = float(value)
        return cls(areas)

    def area_um2(
        self, name: str, kind: str, attributes: Mapping[str, Any], technology_nm: float
    ) -> float:
        """Return the area of one instance."""
        if self.components is None:
            cost = estimate(kind, attributes, technology_nm, compatibility=self.compatibility)
            return cost.area_um2
        if name not in self.components:
            raise _missing("area table", name, self.components)
        return self.components[name]
