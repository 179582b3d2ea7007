"""Shapes and affine maps of MLIR, from their text."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from simulators.accelerator._mlir_text import split_top_level

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes of a tensor, memref or vector; None where the size is dynamic."""

Form: TypeAlias = tuple[tuple[str, int], ...]
"""A linear form: (loop dimension, coefficient) pairs, dimensions in order of appearance."""

_SHAPED = re.compile(r"(?:tensor|memref|vector)\s*<\s*((?:(?:\?|\d+|\[\d+\])\s*x\s*)*)(\*)?")
_AFFINE = re.compile(
    r"affine_map\s*<\s*\(([^()]*)\)\s*(?:\[([^\]]*)\])?\s*->\s*\((.*)\)\s*>", re.DOTALL
)
_WORD = re.compile(r"\s*(\d+|[A-Za-z_][\w$.-]*|[-+*()])")


class UnsupportedError(Exception):
    """A contraction that no `Layer` can express; its text says why. Never leaves the reader."""


def parse_shape(text: str, aliases: dict[str, str]) -> Shape | None:
    """Return the shape of a type; None for a scalar.

    Raises:
        UnsupportedError: a tensor of unknown rank.
    """
    resolved = aliases.get(text.strip(), text.strip())
    match = _SHAPED.match(resolved)
    if match is None:
        return None
    if match[2]:
        raise UnsupportedError(f"the type {resolved} has no rank")
    sizes = [size.strip() for size in match[1].split("x")[:-1]]
    return tuple(int(size) if size.isdigit() else None for size in sizes)


@dataclass(frozen=True, slots=True)
class AffineMap:
    """An indexing map."""

    dims: tuple[str, ...]
    """Names of the loop dimensions, renamed to d0, d1, ... by position."""
    results: tuple[Form, ...]
    """A linear form for each axis; constant offsets are dropped, they move no data."""


def parse_map(text: str) -> AffineMap:
    """Read ``affine_map<(d0, d1) -> (d0 * 2 + d1)>``.

    Raises:
        UnsupportedError: no such map, or a form that is not linear with positive coefficients.
    """
    match = _AFFINE.fullmatch(text.strip())
    if match is None:
        raise UnsupportedError(f"{text!r} is no affine map of dimensions")
    if (match[2] or "").strip():
        raise UnsupportedError(f"{text} has symbols")
    names = [name.strip() for name in match[1].split(",") if name.strip()]
    numbers = {name: f"d{index}" for index, name in enumerate(names)}
    results = tuple(_Linear(part, numbers).form() for part in split_top_level(match[3]))
    return AffineMap(tuple(numbers.values()), results)


class _Linear:
    """Recursive descent over sums and products; a value is {dimension or "" : coefficient}."""

    def __init__(self, text: str, names: dict[str, str]) -> None:
        self._text = text
        self._names = names
        self._words = _WORD.findall(text)
        if "".join(self._words) != re.sub(r"\s+", "", text):
            raise self._unsupported("is no affine expression")

    def form(self) -> Form:
        total = self._sum()
        if self._words:
            raise self._unsupported(f"is not linear ({self._words[0]})")
        terms = tuple((name, factor) for name, factor in total.items() if name and factor)
        if any(factor < 0 for _, factor in terms):
            raise self._unsupported("runs backwards")
        return terms

    def _sum(self) -> dict[str, int]:
        total = self._product()
        while self._words and self._words[0] in "+-":
            sign = 1 if self._words.pop(0) == "+" else -1
            for name, factor in self._product().items():
                total[name] = total.get(name, 0) + sign * factor
        return total

    def _product(self) -> dict[str, int]:
        value = self._atom()
        while self._words and self._words[0] == "*":
            self._words.pop(0)
            other = self._atom()
            if set(value) - {""} and set(other) - {""}:
                raise self._unsupported("multiplies dimensions")
            scaled, scale = (other, value) if set(other) - {""} else (value, other)
            value = {name: factor * scale.get("", 0) for name, factor in scaled.items()}
        return value

    def _atom(self) -> dict[str, int]:
        word = self._words.pop(0) if self._words else ""
        if word == "-":
            return {name: -factor for name, factor in self._atom().items()}
        if word == "(":
            inner = self._sum()
            if not self._words or self._words.pop(0) != ")":
                raise self._unsupported("has an open parenthesis")
            return inner
        if word.isdigit():
            return {"": int(word)}
        if word not in self._names:
            raise self._unsupported(f"uses {word or 'nothing'!r}, which is no dimension")
        return {self._names[word]: 1}

    def _unsupported(self, problem: str) -> UnsupportedError:
        return UnsupportedError(f"the index {self._text.strip()!r} {problem}")
