"""A typed graph of tensor operations, and its text in ``linalg`` and in StableHLO."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Graph", "Node", "Shape", "tensor_type"]

Shape = tuple[int, ...]


def tensor_type(shape: Shape, element: str) -> str:
    """Return the MLIR type, such as ``tensor<4x8xf32>``."""
    return f"tensor<{'x'.join([*map(str, shape), element])}>"


@dataclass(frozen=True, slots=True)
class Node:
    """One value: an argument, or an operation on earlier values."""

    number: int
    op: str
    """``argument``, or the operation's name."""
    inputs: tuple[int, ...]
    shape: Shape
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Graph:
    """A function under construction; every value has one element type."""

    element: str = "f32"
    nodes: list[Node] = field(default_factory=list)

    def argument(self, shape: Sequence[int]) -> Node:
        """Add an argument."""
        return self._add("argument", (), tuple(shape), {})

    def scalar(self) -> Node:
        """Add an argument that is one number and no tensor."""
        return self._add("argument", (), (), {"scalar": True})

    def apply(
        self, op: str, inputs: Sequence[Node], shape: Sequence[int], **parameters: Any
    ) -> Node:
        """Add an operation whose result has the given shape."""
        return self._add(op, tuple(one.number for one in inputs), tuple(shape), parameters)

    def _add(
        self, op: str, inputs: tuple[int, ...], shape: Shape, parameters: dict[str, Any]
    ) -> Node:
        node = Node(len(self.nodes), op, inputs, shape, parameters)
        self.nodes.append(node)
        return node

    @property
    def arguments(self) -> list[Node]:
        """The function's arguments in order."""
        return [node for node in self.nodes if node.op == "argument"]

    @property
    def operations(self) -> list[Node]:
        """Everything that is not an argument, in order."""
        return [node for node in self.nodes if node.op != "argument"]

    @property
    def results(self) -> list[Node]:
        """The values that no operation uses."""
        used = {number for node in self.nodes for number in node.inputs}
        return [node for node in self.operations if node.number not in used]

    def type_of(self, node: Node) -> str:
        """Return a value's MLIR type."""
        if node.parameters.get("scalar"):
            return self.element
        return tensor_type(node.shape, self.element)

    def function(self, lines: Sequence[str]) -> str:
        """Return the function around the lines of its body."""
        arguments = ", ".join(f"%v{node.number}: {self.type_of(node)}" for node in self.arguments)
        kinds = ", ".join(self.type_of(node) for node in self.results)
        values = ", ".join(f"%v{node.number}" for node in self.results)
        body = "\n".join(f"  {line}" for line in lines)
        end = f"  return {values} : {kinds}\n}}\n"
        return f"func.func @kernel({arguments}) -> ({kinds}) {{\n{body}\n{end}"
