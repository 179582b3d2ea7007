"""Reader of MAESTRO's text format: networks (``.m`` files), single mappings, hardware files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from simulators.accelerator.maestro._layer import MaestroLayer
from simulators.accelerator.maestro._mapping import (
    NAMES,
    Cluster,
    Directive,
    MaestroMapping,
    Size,
    SpatialMap,
    TemporalMap,
)
from simulators.errors import InvalidConfigError, did_you_mean

_TOKEN = re.compile(r"//[^\n]*|(?P<word>[A-Za-z_][\w.\-]*'?|\d[\w.\-]*)|(?P<mark>[^\s,;:])")
_DIRECTIVES = ("TemporalMap", "SpatialMap", "Cluster")
_SECTIONS = ("Type", "Stride", "Dimensions", "Dataflow")


class Token(NamedTuple):
    """One word, number or bracket; commas, colons and semicolons only separate."""

    text: str
    line: int


def _tokens(text: str) -> Iterator[Token]:
    line, end = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        if match.lastgroup:
            yield Token(match.group(), line)


@dataclass(slots=True)
class _Draft:
    """A layer while it is read."""

    name: str
    line: int
    kind: str = "CONV"
    stride: dict[str, int] | None = None
    dims: dict[str, int] | None = None
    directives: list[Directive] | None = None


class _Reader:
    """A cursor over tokens, with the constants defined so far."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._last_line = self._tokens[-1].line if self._tokens else 1
        self.constants: dict[str, int] = {}

    def fail(self, line: int, problem: str) -> NoReturn:
        raise InvalidConfigError(f"line {line}: {problem}")

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def peek(self) -> str:
        return "" if self.done else self._tokens[self._at].text

    def take(self, expected: str) -> Token:
        if self.done:
            self.fail(self._last_line, f"the text ends where {expected} should follow.")
        self._at += 1
        return self._tokens[self._at - 1]

    def expect(self, text: str, after: str) -> None:
        token = self.take(f"{text!r}")
        if token.text != text:
            self.fail(token.line, f"{token.text!r} after {after}. Expected {text!r}.")

    def number(self, what: str) -> int:
        token = self.take(what)
        if token.text in self.constants:
            return self.constants[token.text]
        if not token.text.isdecimal() or int(token.text) < 1:
            self.fail(token.line, f"{what} is {token.text!r}. Give a positive integer.")
        return int(token.text)

    def size(self, what: str) -> Size:
        if self.peek() != "Sz":
            return self.number(what)
        self.take("Sz")
        self.expect("(", "'Sz'")
        token = self.take("a dimension")
        if token.text not in NAMES or "'" in token.text:
            self.fail(token.line, f"{what} is the size of the unknown dimension {token.text!r}.")
        self.expect(")", f"'Sz({token.text}'")
        return f"Sz({token.text})"

    def directive(self) -> Directive:
        token = self.take("a directive")
        if token.text not in _DIRECTIVES:
            self.fail(
                token.line,
                f"unknown directive {token.text!r}.{did_you_mean(token.text, _DIRECTIVES)} "
                f"Allowed: {', '.join(_DIRECTIVES)}.",
            )
        self.expect("(", token.text)
        size = self.size(f"the size of {token.text}")
        try:
            if token.text == "Cluster":
                kind = self.take("P or L")
                self.expect(")", "the kind of a Cluster")
                return Cluster(size, kind.text, token.line)
            offset = self.size(f"the offset of {token.text}")
            self.expect(")", f"the offset of {token.text}")
            dim = self.take("a dimension")
            kind_of_map = TemporalMap if token.text == "TemporalMap" else SpatialMap
            return kind_of_map(size, offset, dim.text, token.line)
        except InvalidConfigError as error:
            message = str(error)
            if message.startswith("line "):
                raise
            self.fail(token.line, message)

    def directives(self, end: str) -> list[Directive]:
        found = []
        while self.peek() != end:
            found.append(self.directive())
        return found

    def pairs(self, what: str) -> dict[str, int]:
        self.expect("{", what)
        found: dict[str, int] = {}
        while self.peek() != "}":
            name = self.take("a dimension or '}'")
            if name.text not in NAMES:
                self.fail(
                    name.line,
                    f"unknown dimension {name.text!r} in {what}. Allowed: {', '.join(NAMES)}.",
                )
            if name.text in found:
                self.fail(name.line, f"{what} gives {name.text} twice. Remove one.")
            found[name.text] = self.number(f"{what} {name.text}")
        self.take("'}'")
        return found


def parse_mapping(text: str) -> MaestroMapping:
    """Read directives, with or without ``Dataflow { }`` around them.

    Raises:
        InvalidConfigError: the text cannot be read; the message names the line.
    """
    reader = _Reader(text)
    if reader.peek() == "Dataflow":
        reader.take("Dataflow")
        reader.expect("{", "Dataflow")
        directives = reader.directives("}")
        reader.take("'}'")
        if not reader.done:
            token = reader.take("the end")
            reader.fail(token.line, f"{token.text!r} after the Dataflow block. Remove it.")
    else:
        directives = reader.directives("")
    return MaestroMapping(tuple(directives))


def parse_network(text: str) -> list[tuple[MaestroLayer, MaestroMapping]]:
    """Read the layers of a network file and the mapping of each.

    A layer without a Dataflow block takes that of the layer before it, as it is there.

    Raises:
        InvalidConfigError: the text cannot be read; the message names the line.
    """
    reader = _Reader(text)
    layers: list[tuple[MaestroLayer, MaestroMapping]] = []
    while not reader.done:
        token = reader.take("Network")
        if token.text == "Constant":
            name = reader.take("the name of a constant").text
            reader.constants[name] = reader.number(f"constant {name}")
        elif token.text == "Network":
            while reader.take("'{'").text != "{":
                pass
            while reader.peek() != "}":
                layers.append(_finished(reader, _layer(reader), layers))
            reader.take("'}'")
        else:
            reader.fail(
                token.line,
                f"{token.text!r} outside a network. Expected Network or Constant.",
            )
    if not layers:
        reader.fail(1, "there is no layer. Write Network name { Layer name { ... } }.")
    return layers


def _layer(reader: _Reader) -> _Draft:
    token = reader.take("Layer")
    if token.text != "Layer":
        reader.fail(token.line, f"{token.text!r} in a network. Expected Layer.")
    draft = _Draft(reader.peek() if reader.peek() != "{" else "Layer", token.line)
    while reader.take("'{'").text != "{":
        pass
    while reader.peek() != "}":
        _section(reader, draft)
    reader.take("'}'")
    return draft


def _section(reader: _Reader, draft: _Draft) -> None:
    token = reader.take("a section of the layer")
    if token.text == "Type":
        draft.kind = reader.take("the layer's type").text
    elif token.text == "Stride":
        draft.stride = reader.pairs("Stride")
    elif token.text == "Dimensions":
        draft.dims = reader.pairs("Dimensions")
    elif token.text == "Dataflow":
        reader.expect("{", "Dataflow")
        draft.directives = reader.directives("}")
        reader.take("'}'")
    else:
        reader.fail(
            token.line,
            f"unknown section {token.text!r} of layer {draft.name!r}."
            f"{did_you_mean(token.text, _SECTIONS)} Allowed: {', '.join(_SECTIONS)}.",
        )


def _finished(
    reader: _Reader, draft: _Draft, before: list[tuple[MaestroLayer, MaestroMapping]]
) -> tuple[MaestroLayer, MaestroMapping]:
    try:
        stride = draft.stride or {}
        stride_yx = (_stride(stride, "Y"), _stride(stride, "X"))
        dims = _input_sizes(dict(draft.dims or {}), stride_yx)
        layer = MaestroLayer(name=draft.name, kind=draft.kind, dims=dims, stride=stride_yx)
        if draft.directives is not None:
            return layer, MaestroMapping(tuple(draft.directives))
    except InvalidConfigError as error:
        reader.fail(draft.line, str(error))
    if not before:
        reader.fail(
            draft.line, f"layer {draft.name!r} has no Dataflow block, and no layer before it has."
        )
    earlier, mapping = before[-1]
    return layer, mapping.resolved(earlier)


def _stride(stride: dict[str, int], dim: str) -> int:
    return stride.get(dim, stride.get(f"{dim}'", 1))


def _input_sizes(dims: dict[str, int], stride: tuple[int, int]) -> dict[str, int]:
    """Replace output rows and columns by the inputs that they read."""
    for dim, filter_dim, step in (("Y", "R", stride[0]), ("X", "S", stride[1])):
        outputs = dims.pop(f"{dim}'", None)
        if outputs is not None and dim not in dims:
            dims[dim] = (outputs - 1) * step + dims.get(filter_dim, 1)
    return dims
