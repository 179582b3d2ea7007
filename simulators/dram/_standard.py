"""DRAM standards as tables: a TOML file in ``standards/`` states commands, timings and constraints.

A further standard is a further file. Its keys:

* ``commands``: the subset of `COMMANDS` that the standard has; ``[command_cycles]`` gives the
  length on the command bus where it is not one cycle.
* ``buses``: ``"shared"``, or ``"split"`` where row and column commands have a bus each.
* ``initial_bus_ps`` (optional): the time at which an unused bus counts as last used.
* ``activates``: the commands that count in the four-activate window.
* ``read_strobe_end``, ``write_strobe_end``: column command to the end of its data.
* ``refresh_interval_all_bank``, ``refresh_interval_per_bank`` (the latter optional).
* ``constraints``: rows ``{next, after, scope, delay}``: each ``next`` may start ``delay`` after the
  latest of each ``after`` within ``scope`` (one of `SCOPES`).
* ``windows``: rows ``{next, delay}``: ``next`` may start ``delay`` after the rank's fourth-latest
  activate.
* ``[timings]``: the memspec entries it needs and their meaning; ``unused_timings``: further entries
  that memspec files carry.
* ``[modes.NAME.value]`` (optional): timings replaced when timing ``NAME`` has that value.
* ``[derived]``: named formulas, each may read the earlier ones.
* ``[energy]``: ``model = "drampower"`` with the ``currents`` it needs and ``[energy.cycles]``, or
  the ``reason`` why there is none.

All formulas are in clock cycles; besides the timings they may read ``BL`` (burst length) and ``DR``
(data rate).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from simulators.dram._formula import Formula
from simulators.errors import InvalidConfigError, did_you_mean

COMMANDS = (
    "RD", "RDA", "WR", "WRA", "ACT", "PRE", "PREA", "REFA", "REFB",
    "PDEA", "PDXA", "PDEP", "PDXP", "SREFEN", "SREFEX",
)  # fmt: skip
"""Every command a table may name; a command's index is its number in the simulator core."""

SCOPES = (
    "bank", "group", "rank", "channel", "other-rank", "rank-within-round", "rank-after-round",
)  # fmt: skip
"""Where "the latest" command is looked for; a scope's index is its number in the simulator core.

``other-rank`` applies only if the latest such command of the channel went to another rank. The last
two split the rank's refresh-to-refresh constraint: inside a round over all banks, and after one.
"""

_FOLDER = Path(__file__).parent / "standards"
_FIGURES = (
    "read_strobe_end", "write_strobe_end", "refresh_interval_all_bank", "refresh_interval_per_bank",
)  # fmt: skip
_REQUIRED = {
    "name", "commands", "buses", "activates", "read_strobe_end", "write_strobe_end",
    "refresh_interval_all_bank", "constraints", "windows", "timings", "derived", "energy",
}  # fmt: skip
_OPTIONAL = {
    "refresh_interval_per_bank", "initial_bus_ps", "command_cycles", "unused_timings", "modes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResolvedStandard:
    """A standard's table with every formula replaced by clock cycles, indexed as the core does."""

    constraints: list[tuple[int, int, int, int]]
    """(next command, previous command, scope, delay) by index."""
    windows: dict[int, int]
    """Delay after the fourth-latest activate, by command index."""
    read_strobe_end: int
    write_strobe_end: int
    refresh_interval_all_bank: int
    refresh_interval_per_bank: int
    """0 where the standard has no per-bank refresh."""
    burst: int
    energy_cycles: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Standard:
    """One DRAM standard: see the module's docstring for the meaning of its keys."""

    name: str
    commands: tuple[str, ...]
    command_cycles: dict[str, int]
    split_buses: bool
    initial_bus_ps: int | None
    activates: tuple[str, ...]
    timings: dict[str, str]
    unused_timings: tuple[str, ...]
    modes: dict[str, dict[int, dict[str, Formula]]]
    derived: dict[str, Formula]
    constraints: tuple[tuple[tuple[str, ...], tuple[str, ...], str, Formula], ...]
    windows: tuple[tuple[tuple[str, ...], Formula], ...]
    figures: dict[str, Formula]
    """The four formulas of strobes and refresh intervals, by key."""
    currents: tuple[str, ...]
    energy_cycles: dict[str, Formula]
    energy_reason: str | None

    @staticmethod
    def names() -> list[str]:
        """Return the names of the available standards."""
        return sorted(path.stem for path in _FOLDER.glob("*.toml"))

    @staticmethod
    def load(name: str) -> "Standard":
        """Return the standard called ``name`` (see `Standard.names`).

        Raises:
            InvalidConfigError: no such standard, or its table is malformed.
        """
        if name not in Standard.names():
            raise InvalidConfigError(
                f"unknown DRAM standard {name!r}.{did_you_mean(name, Standard.names())} "
                f"Available: {', '.join(Standard.names())}. A further standard is a further table "
                f"in {_FOLDER}."
            )
        return _load(_FOLDER / f"{name}.toml")

    @staticmethod
    def from_table(table: Mapping[str, Any], where: str) -> "Standard":
        """Check a table as read from TOML; ``where`` names it in error messages.

        Raises:
            InvalidConfigError: a missing or unknown key, command or scope, or a malformed formula.
        """
        return _Reader(where).standard(table)

    def resolve(
        self, timings: Mapping[str, int], *, burst_length: int, data_rate: int
    ) -> ResolvedStandard:
        """Evaluate every formula for one memory.

        Args:
            timings: clock cycles by memspec name; at least the names of ``self.timings``.
            burst_length: data words per column command.
            data_rate: data words per clock cycle and pin.

        Raises:
            InvalidConfigError: a formula reads an unknown name, or its result is not whole.
        """
        values = self._values({**timings, "BL": burst_length, "DR": data_rate})
        constraints = [
            (COMMANDS.index(first), COMMANDS.index(second), SCOPES.index(scope), delay)
            for nexts, afters, scope, formula in self.constraints
            for delay in (formula.cycles(values),)
            for first, second in product(nexts, afters)
        ]
        windows = {
            COMMANDS.index(command): formula.cycles(values)
            for nexts, formula in self.windows
            for command in nexts
        }
        energy = {key: formula.cycles(values) for key, formula in self.energy_cycles.items()}
        figures = {key: formula.cycles(values) for key, formula in self.figures.items()}
        return ResolvedStandard(
            constraints=constraints,
            windows=windows,
            burst=Formula.parse("BL / DR", f"standard {self.name}, burst").cycles(values),
            energy_cycles=energy if self.energy_reason is None else None,
            **figures,
        )

    def _values(self, values: dict[str, int]) -> dict[str, int]:
        """Apply the selected modes, then add the derived timings."""
        original = dict(values)
        for selector, choices in self.modes.items():
            if original[selector] not in choices:
                raise InvalidConfigError(
                    f"standard {self.name}: timing {selector} is {original[selector]}. "
                    f"Allowed: {', '.join(map(str, choices))}."
                )
            for name, formula in choices[original[selector]].items():
                values[name] = formula.cycles(original)
        for name, formula in self.derived.items():
            values[name] = formula.cycles(values)
        return values


@cache
def _load(path: Path) -> Standard:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"{path.name}: not a TOML file: {error}.") from None
    standard = Standard.from_table(table, path.name)
    if standard.name != path.stem:
        raise InvalidConfigError(
            f"{path.name}: name is {standard.name!r}. It must be {path.stem!r}."
        )
    return standard


class _Reader:
    """Checks one table; every message starts with where it came from."""

    def __init__(self, where: str) -> None:
        self.where = where

    def standard(self, table: Mapping[str, Any]) -> Standard:
        self._keys(table, _REQUIRED, _OPTIONAL, self.where)
        commands = self._members(table["commands"], COMMANDS, "commands")
        cycles = dict.fromkeys(commands, 1) | dict(table.get("command_cycles", {}))
        self._members(list(cycles), commands, "command_cycles")
        energy = table["energy"]
        if "reason" not in energy:
            self._keys(energy, {"model", "currents", "cycles"}, set(), f"{self.where}, energy")
            self._members([energy["model"]], ("drampower",), "energy.model")
        (buses,) = self._members([table["buses"]], ("shared", "split"), "buses")
        return Standard(
            name=table["name"],
            commands=commands,
            command_cycles=cycles,
            split_buses=buses == "split",
            initial_bus_ps=table.get("initial_bus_ps"),
            activates=self._members(table["activates"], commands, "activates"),
            timings=dict(table["timings"]),
            unused_timings=tuple(table.get("unused_timings", ())),
            modes={
                selector: {
                    int(value): self._formulas(timings, f"modes.{selector}.{value}")
                    for value, timings in choices.items()
                }
                for selector, choices in table.get("modes", {}).items()
            },
            derived=self._formulas(table["derived"], "derived"),
            constraints=tuple(
                self._constraint(row, commands, index)
                for index, row in enumerate(table["constraints"], start=1)
            ),
            windows=tuple(
                self._window(row, commands, index)
                for index, row in enumerate(table["windows"], start=1)
            ),
            figures=self._formulas({key: table.get(key, "0") for key in _FIGURES}, "top level"),
            currents=tuple(energy.get("currents", ())),
            energy_cycles=self._formulas(energy.get("cycles", {}), "energy.cycles"),
            energy_reason=energy.get("reason"),
        )

    def _constraint(
        self, row: Mapping[str, Any], commands: tuple[str, ...], index: int
    ) -> tuple[tuple[str, ...], tuple[str, ...], str, Formula]:
        where = f"constraint {index}"
        self._keys(row, {"next", "after", "scope", "delay"}, set(), f"{self.where}, {where}")
        nexts = self._members(row["next"], commands, f"{where}, next")
        afters = self._members(row["after"], commands, f"{where}, after")
        (scope,) = self._members([row["scope"]], SCOPES, f"{where}, scope")
        label = f"{self.where}, {where} ({'/'.join(nexts)} after {'/'.join(afters)}, {scope})"
        return nexts, afters, scope, Formula.parse(row["delay"], label)

    def _window(
        self, row: Mapping[str, Any], commands: tuple[str, ...], index: int
    ) -> tuple[tuple[str, ...], Formula]:
        where = f"window {index}"
        self._keys(row, {"next", "delay"}, set(), f"{self.where}, {where}")
        nexts = self._members(row["next"], commands, f"{where}, next")
        return nexts, Formula.parse(row["delay"], f"{self.where}, {where}")

    def _formulas(self, table: Mapping[str, Any], where: str) -> dict[str, Formula]:
        return {
            name: Formula.parse(text, f"{self.where}, {where}, {name}")
            for name, text in table.items()
        }

    def _members(self, names: Any, allowed: tuple[str, ...], where: str) -> tuple[str, ...]:
        if not isinstance(names, list):
            raise InvalidConfigError(f"{self.where}, {where}: {names!r} is not a list of names.")
        for name in names:
            if name not in allowed:
                raise InvalidConfigError(
                    f"{self.where}, {where}: unknown {name!r}.{did_you_mean(name, allowed)} "
                    f"Allowed: {', '.join(allowed)}."
                )
        return tuple(names)

    def _keys(
        self, table: Mapping[str, Any], required: set[str], optional: set[str], where: str
    ) -> None:
        if missing := sorted(required - set(table)):
            raise InvalidConfigError(f"{where}: missing key {missing[0]!r}. Add it.")
        if unknown := sorted(set(table) - required - optional):
            allowed = sorted(required | optional)
            raise InvalidConfigError(
                f"{where}: unknown key {unknown[0]!r}.{did_you_mean(unknown[0], allowed)} "
                f"Allowed: {', '.join(allowed)}."
            )
