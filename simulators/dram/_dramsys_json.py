"""Reading the JSON files of DRAMSys: objects whose keys and values are checked one by one."""

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from simulators.errors import InvalidConfigError, did_you_mean

Source: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]
"""A path to a JSON file, or the object such a file contains."""

MAX_INTEGER = 10**7
"""Largest integer accepted: 10^7 cycles of the slowest clock still fit 64-bit picoseconds."""


def load_section(source: Source, outer_key: str) -> "Section":
    """Read ``source`` and return the object under ``outer_key`` (or the whole, if it is absent).

    Raises:
        InvalidConfigError: unreadable file, not JSON, a repeated key, or not an object.
    """
    if isinstance(source, Mapping):
        where, content = "the given dict", dict(source)
    else:
        where, content = str(Path(source)), _read(Path(source))
    section = Section(content, where)
    if outer_key in section.content:
        return section.section(outer_key)
    return section


def _read(path: Path) -> Any:
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise InvalidConfigError(f"{path} {what}. Give the path of a DRAMSys JSON file.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidConfigError(f"{path}: not UTF-8 text. Give a DRAMSys JSON file.") from None
    except OSError as error:
        raise InvalidConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    if not text.strip():
        raise InvalidConfigError(f"{path}: empty file. Give a DRAMSys JSON file.")
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        raise InvalidConfigError(
            f"{path}:{error.lineno}: not JSON: {error.msg} (column {error.colno})."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidConfigError(f"{path}: not usable JSON: {error}.") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {repeated!r} appears twice in one object; keep one")
    return content


def _reject_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number that JSON allows")


class Section:
    """One JSON object and its place (``where``), read key by key."""

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, Mapping):
            raise InvalidConfigError(f"{where}: expected an object {{...}}, got {_brief(content)}.")
        self.content: Mapping[str, Any] = content
        self.where = where

    def check_keys(self, allowed: Iterable[str]) -> None:
        """Reject the first key that is not in ``allowed``."""
        allowed = list(allowed)
        for key in self.content:
            if key not in allowed:
                raise InvalidConfigError(
                    f"{self.where}: unknown key {key!r}.{did_you_mean(key, allowed)} "
                    f"Allowed: {', '.join(sorted(allowed))}."
                )

    def section(self, key: str) -> "Section":
        """Return the object under ``key``."""
        return Section(self._value(key), f"{self.where}, {key}")

    def integer(self, key: str, *, low: int = 0, default: int | None = None) -> int:
        """Return the integer under ``key``, at least ``low``."""
        if default is not None and key not in self.content:
            return default
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MAX_INTEGER:
            self._wrong(key, value, f"an integer from {low} to {MAX_INTEGER}")
        return int(value)

    def number(self, key: str) -> float:
        """Return the finite, non-negative number under ``key``."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(key, value, "a number")
        if not (0 <= value <= 1e9 and math.isfinite(value)):
            self._wrong(key, value, "a number from 0 to 1e9")
        return float(value)

    def text(self, key: str) -> str:
        """Return the string under ``key``."""
        value = self._value(key)
        if not isinstance(value, str):
            self._wrong(key, value, "a string")
        return str(value)

    def bits(self, key: str) -> tuple[int, ...]:
        """Return the list of bit positions under ``key``: () if absent, a single one alike."""
        value = self.content.get(key, [])
        listed = value if isinstance(value, list | tuple) else [value]
        for bit in listed:
            if isinstance(bit, bool) or not isinstance(bit, int) or not 0 <= bit < 64:
                self._wrong(key, value, "a list of bit positions from 0 to 63")
        return tuple(listed)

    def _value(self, key: str) -> Any:
        if key not in self.content:
            raise InvalidConfigError(
                f"{self.where}: missing key {key!r}.{did_you_mean(key, self.content)} Add it."
            )
        return self.content[key]

    def _wrong(self, key: str, value: Any, allowed: str) -> None:
        raise InvalidConfigError(f"{self.where}: {key} is {_brief(value)}. Allowed: {allowed}.")


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
