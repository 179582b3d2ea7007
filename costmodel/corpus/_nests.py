"""Loop nests on buffers, as text: what tensors cannot say, such as recurrences and running sums."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from costmodel.corpus._loops import Shape, random_shape

__all__ = ["NESTS", "random_nest"]

NESTS = ("nest-map", "nest-reduction", "nest-recurrence")
"""Families: elementwise, perhaps transposed; a value carried through a loop; one carried in memory
or in a register, and stored at each step."""

_ELEMENTS = {"f32": 0.55, "f64": 0.25, "i32": 0.2}
_BINARY = {
    "f": ("addf", "addf", "subf", "mulf", "mulf", "divf", "maximumf", "minimumf"),
    "i": ("addi", "addi", "subi", "muli", "maxsi", "minsi", "andi", "xori"),
}
_COMBINE = {"f": ("addf", "addf", "maximumf"), "i": ("addi", "addi", "maxsi", "xori")}
"""What a value is carried on with; products would soon be subnormal, which takes longer."""
_UNARY = ("math.absf", "arith.negf", "math.sqrt", "math.exp", "math.tanh")
_COMPARE = {"f": "arith.cmpf ogt", "i": "arith.cmpi sgt"}


def random_nest(rng: np.random.Generator, name: str) -> str:
    """Draw a loop nest of the family ``name``, in ``affine`` or ``scf``."""
    element = str(rng.choice(list(_ELEMENTS), p=list(_ELEMENTS.values())))
    nest = _Nest(rng, element, random_shape(rng), scf=bool(rng.random() < 0.3))
    if name == "nest-map":
        return nest.text(_elementwise(nest))
    if name == "nest-reduction":
        return nest.text(_reduction(nest))
    return nest.text(_recurrence(nest))


@dataclass(slots=True)
class _Nest:
    """A function under construction: its arguments, and lines before and in the innermost loop."""

    rng: np.random.Generator
    element: str
    shape: Shape
    scf: bool
    arguments: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """``f`` for floating point, ``i`` for integers."""
        return self.element[0]

    @property
    def places(self) -> list[str]:
        """The loops' variables, outermost first."""
        return [f"%i{dim}" for dim in range(len(self.shape))]

    @property
    def memory(self) -> str:
        """Dialect of loads and stores."""
        return "memref" if self.scf else "affine"

    def buffer(self, shape: Shape) -> tuple[str, str]:
        """Add a buffer; return its name and type."""
        return self.argument(f"memref<{'x'.join(map(str, shape))}x{self.element}>")

    def argument(self, kind: str) -> tuple[str, str]:
        """Add an argument; return its name and type."""
        name = f"%a{len(self.arguments)}"
        self.arguments.append(f"{name}: {kind}")
        return name, kind

    def constant(self, value: Any, kind: str) -> str:
        """Add a constant; return its name."""
        line = f"arith.constant {value} : {kind}"
        if line not in self.constants:
            self.constants.append(line)
        return f"%k{self.constants.index(line)}"

    def value(self, operation: str) -> str:
        """Add an operation to the innermost loop; return its result."""
        self.body.append(f"%v{len(self.body)} = {operation}")
        return f"%v{len(self.body) - 1}"

    def load(self, buffer: tuple[str, str], places: list[str]) -> str:
        """Load an element."""
        name, kind = buffer
        return self.value(f"{self.memory}.load {name}[{', '.join(places)}] : {kind}")

    def stored(self, value: str, buffer: tuple[str, str], places: list[str]) -> str:
        """Return the line that stores an element."""
        return f"{self.memory}.store {value}, {buffer[0]}[{', '.join(places)}] : {buffer[1]}"

    def operand(self, number: bool = True) -> str:
        """Load from a new buffer, perhaps with its dimensions in another order; or a number."""
        if number and self.rng.random() < 0.15:
            return self.argument(self.element)[0]
        rank = len(self.shape)
        turned = rank > 1 and self.rng.random() < 0.25
        order = self.rng.permutation(rank) if turned else np.arange(rank)
        buffer = self.buffer(tuple(self.shape[dim] for dim in order))
        return self.load(buffer, [f"%i{dim}" for dim in order])

    def expression(self, operations: int) -> str:
        """Add an expression of so many operations on elements; return its value."""
        value = self.operand(number=False)
        for _ in range(operations):
            draw = self.rng.random()
            if draw < 0.75 or (draw < 0.92 and self.kind == "i"):
                pair = [value, self.operand()]
                if self.rng.random() < 0.3:
                    pair.reverse()
                op = self.rng.choice(_BINARY[self.kind])
                value = self.value(f"arith.{op} {', '.join(pair)} : {self.element}")
            elif draw < 0.92:
                value = self.value(f"{self.rng.choice(_UNARY)} {value} : {self.element}")
            else:
                other = self.operand()
                chosen = self.value(f"{_COMPARE[self.kind]}, {value}, {other} : {self.element}")
                value = self.value(f"arith.select {chosen}, {value}, {other} : {self.element}")
        return value

    def combined(self, left: str, right: str) -> str:
        """Add a sum, product or maximum."""
        op = self.rng.choice(_COMBINE[self.kind])
        return self.value(f"arith.{op} {left}, {right} : {self.element}")

    def carried(self, operations: int) -> tuple[str, str, str]:
        """Add an expression to a value that the loop carries.

        Returns the value that it starts from, what becomes of it, and the line that hands it on.
        """
        value = self.combined("%c", self.expression(operations))
        start = self.constant("0.0" if self.kind == "f" else 0, self.element)
        return start, value, f"{'scf' if self.scf else 'affine'}.yield {value} : {self.element}"

    def loop(self, dim: int, first: int, start: str | None = None) -> str:
        """Return the head of a loop, which may carry a value from ``start`` on."""
        size = self.shape[dim]
        carried = f" iter_args(%c = {start}) -> ({self.element})" if start else ""
        result = "%r = " if start else ""
        if not self.scf:
            return f"{result}affine.for %i{dim} = {first} to {size}{carried} {{"
        begin, end, step = (self.constant(x, "index") for x in (first, size, 1))
        return f"{result}scf.for %i{dim} = {begin} to {end} step {step}{carried} {{"

    def text(self, inner: list[str]) -> str:
        """Return the function, given the innermost loop."""
        last = len(self.shape) - 1
        lines = [self.loop(dim, 0) for dim in range(last)] + inner + ["}"] * last
        constants = [f"%k{place} = {line}" for place, line in enumerate(self.constants)]
        body = "\n".join([*constants, *lines, "return"])
        return f"func.func @kernel({', '.join(self.arguments)}) {{\n{body}\n}}\n"


def _elementwise(nest: _Nest) -> list[str]:
    copies = nest.rng.random() < 0.15  # perhaps in another order
    value = nest.expression(0 if copies else int(nest.rng.geometric(0.4)))
    store = nest.stored(value, nest.buffer(nest.shape), nest.places)
    return [nest.loop(len(nest.shape) - 1, 0), *nest.body, store, "}"]


def _reduction(nest: _Nest) -> list[str]:
    start, _, handed_on = nest.carried(int(nest.rng.geometric(0.5)) - 1)
    places = nest.places[:-1] or [nest.constant(0, "index")]
    store = nest.stored("%r", nest.buffer(nest.shape[:-1] or (1,)), places)
    head = nest.loop(len(nest.shape) - 1, 0, start)
    return [head, *nest.body, handed_on, "}", store]


def _recurrence(nest: _Nest) -> list[str]:
    last, result = len(nest.shape) - 1, nest.buffer(nest.shape)
    if nest.rng.random() < 0.5:  # through a register
        start, value, handed_on = nest.carried(int(nest.rng.geometric(0.6)) - 1)
        store = nest.stored(value, result, nest.places)
        return [nest.loop(last, 0, start), *nest.body, store, handed_on, "}"]
    before = f"%i{last} - 1"
    if nest.scf:
        before = nest.value(f"arith.subi %i{last}, {nest.constant(1, 'index')} : index")
    earlier = nest.load(result, [*nest.places[:-1], before])
    value = nest.combined(earlier, nest.expression(int(nest.rng.geometric(0.6)) - 1))
    return [nest.loop(last, 1), *nest.body, nest.stored(value, result, nest.places), "}"]
