"""Read the text of an MLIR module as a tree of operations, without an MLIR library.

Only what MLIR's grammar guarantees for every dialect is used: brackets and strings balance, an
operation starts a statement with its results, and regions are braces. What an operation's own text
means is left to whoever knows its dialect. Both the pretty and the generic form
(``"dialect.op"(...)``) are read. Grammar: https://mlir.llvm.org/docs/LangRef.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.errors import InvalidConfigError

_STRING = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_HIDDEN = re.compile(rf"{_STRING}|//[^\n]*|\{{-#.*?#-\}}", re.DOTALL)
_RESULT = r"%[\w$.-]+(?::\d+)?"
_START = re.compile(
    rf"(?P<results>{_RESULT}(?:\s*,\s*{_RESULT})*\s*=\s*)?"
    r'(?:"(?P<quoted>[A-Za-z_][\w$]*(?:\.[\w$.-]+)+)"(?=\s*\()'
    r"|(?P<bare>[A-Za-z_][\w$]*(?:\.[\w$]+)*))"
)
_TOKEN = re.compile(
    rf"{_STRING}|[()\[\]{{}}\n:]|\^[\w$.-]+|%[\w$.-]+"
    r"|[A-Za-z_][\w$]*\.(?:yield|return)\b"
)
_UNDOTTED = frozenset({"module", "func", "return", "call", "yield"})
_CLOSING = {")": "(", "]": "[", "}": "{"}
_NAME = r"[\w$.-]+"


@dataclass(slots=True)
class Operation:
    """An operation and what is nested in it."""

    name: str
    """With its dialect, e.g. "linalg.matmul"."""
    results: tuple[str, ...]
    line: int
    start: int
    """Where its name stands in the text; its results stand before."""
    text: str = ""
    """From its name to its end, regions included."""
    header: str = ""
    """Its text without its regions."""
    children: "list[Operation]" = field(default_factory=list)
    regions: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Module:
    """A parsed text."""

    operations: list[Operation]
    aliases: dict[str, str]
    """Attribute and type aliases, e.g. "#map" to "affine_map<(d0) -> (d0)>"."""

    def walk(self) -> Iterator[Operation]:
        """Return every operation, outer ones first."""
        waiting = list(reversed(self.operations))
        while waiting:
            operation = waiting.pop()
            yield operation
            waiting.extend(reversed(operation.children))


@dataclass(slots=True)
class _Frame:
    bracket: str
    start: int
    owner: Operation | None
    current: Operation | None = None
    operations: list[Operation] = field(default_factory=list)
    labelled: bool = False
    """Whether a block label stands in it, so that it is a region."""
    at_label: bool = False


def parse_module(text: str) -> Module:
    """Read a module.

    Raises:
        InvalidConfigError: brackets that do not match (a cut-off text), or no operation at all.
    """
    clean = _HIDDEN.sub(_keep_strings_and_lines, text)
    operations = _Scanner(clean).scan()
    if not operations:
        raise InvalidConfigError(
            f"no operation in this text of {len(text)} characters. Allowed: a module in MLIR's "
            "textual form. Print one, e.g. with jax.jit(f).lower(x).as_text() or "
            "torch_mlir.fx.export_and_import(model, x, output_type='linalg-on-tensors')."
        )
    return Module(operations, _aliases(clean))


def _keep_strings_and_lines(match: re.Match[str]) -> str:
    found = match.group()
    return found if found.startswith('"') else "\n" * found.count("\n")


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._frames = [_Frame("", 0, None)]

    def scan(self) -> list[Operation]:
        self._start_operation(0)
        for word in _TOKEN.finditer(self._text):
            self._visit(word.group(), word.start(), word.end())
        frame = self._frames[-1]
        if len(self._frames) > 1:
            raise InvalidConfigError(
                f"line {self._line(frame.start)}: {frame.bracket!r} is never closed. Allowed: a "
                "whole module. Check whether the text was cut off."
            )
        self._finish_operation(frame, len(self._text))
        return frame.operations

    def _visit(self, word: str, start: int, end: int) -> None:
        frame = self._frames[-1]
        if word in "([{":
            owner = next((f.current for f in reversed(self._frames) if f.current), None)
            self._frames.append(_Frame(word, start, owner))
            if word == "{":
                self._start_operation(end, in_braces=True)
        elif word in ")]}":
            self._close(word, start, end)
        elif frame.bracket in ("", "{"):
            self._visit_statement(frame, word, start, end)

    def _visit_statement(self, frame: _Frame, word: str, start: int, end: int) -> None:
        if word == "\n":
            frame.at_label = False
            self._start_operation(end)
        elif word.startswith("^"):
            if not self._text[self._line_start(start) : start].strip(" \t{"):
                self._finish_operation(frame, start)
            frame.labelled = frame.at_label = True
        elif word == ":" and frame.at_label:
            frame.at_label = False
            self._start_operation(end)
        elif word.startswith("%") or word.endswith((".yield", ".return")):
            self._start_operation(start, mid_line=True)

    def _close(self, word: str, start: int, end: int) -> None:
        frame = self._frames[-1]
        if frame.bracket != _CLOSING[word]:
            opened = f"{frame.bracket!r} of line {self._line(frame.start)}" if frame.bracket else ""
            raise InvalidConfigError(
                f"line {self._line(start)}: {word!r} closes {opened or 'nothing'}. Allowed: "
                "matching brackets. Check whether the text was cut off or edited."
            )
        self._frames.pop()
        if word != "}":
            return
        self._finish_operation(frame, start)
        if frame.owner is not None and (frame.operations or frame.labelled):
            frame.owner.children.extend(frame.operations)
            frame.owner.regions.append((frame.start, end))
        elif frame.owner is None:
            self._frames[-1].operations.extend(frame.operations)
        if self._frames[-1].bracket in ("", "{"):
            self._start_operation(end)

    def _start_operation(
        self, position: int, *, in_braces: bool = False, mid_line: bool = False
    ) -> None:
        while position < len(self._text) and self._text[position] in " \t":
            position += 1
        match = _START.match(self._text, position)
        frame = self._frames[-1]
        if match is None or (frame.current is not None and position <= frame.current.start):
            return
        if (
            mid_line
            and match["results"] is None
            and not (match["bare"] or "").endswith((".yield", ".return"))
        ):
            return
        if not match["quoted"] and not _is_operation(self._text, match, in_braces):
            return
        self._finish_operation(frame, position)
        results = tuple(re.findall(rf"%{_NAME}", match["results"] or ""))
        group = "quoted" if match["quoted"] else "bare"
        start = match.start(group) - (group == "quoted")
        frame.current = Operation(match[group], results, self._line(position), start)
        frame.operations.append(frame.current)

    def _finish_operation(self, frame: _Frame, position: int) -> None:
        operation = frame.current
        if operation is None:
            return
        frame.current = None
        operation.text = self._text[operation.start : position]
        kept, at = [], operation.start
        for start, end in operation.regions:
            kept.append(self._text[at:start])
            at = end
        operation.header = "".join([*kept, self._text[at:position]])

    def _line(self, position: int) -> int:
        return bisect_right(self._lines, position)

    def _line_start(self, position: int) -> int:
        return self._lines[self._line(position) - 1]


def _is_operation(text: str, match: re.Match[str], in_braces: bool) -> bool:
    """Tell an operation's name from an attribute's, which is followed by "=" or a comma."""
    following = text[match.end() : match.end() + 80].lstrip(" \t\n")[:1]
    if "." not in match["bare"] and match["results"] is None:
        return match["bare"] in _UNDOTTED and following not in ("=", ",")
    return following not in ("=", ",") and not (in_braces and following == "}")


def _aliases(text: str) -> dict[str, str]:
    found = {}
    for match in re.finditer(rf"^[ \t]*([#!]{_NAME})[ \t]*=[ \t]*", text, re.MULTILINE):
        end = next((at for at in top_level(text, "\n", match.end())), len(text))
        found[match[1]] = text[match.end() : end].strip()
    return found


def top_level(text: str, wanted: str, start: int = 0) -> Iterator[int]:
    """Return where a character of ``wanted`` stands outside all brackets and strings."""
    depth, at = 0, start
    while at < len(text):
        character = text[at]
        if character == '"':
            at = _string_end(text, at)
        elif depth == 0 and character in wanted:
            yield at
        elif character in "([{<":
            depth += 1
        elif character in ")]}" or (character == ">" and text[at - 1] not in "-="):
            depth -= 1
            if depth < 0:
                return
        at += 1


def _string_end(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at


def split_top_level(text: str, separator: str = ",") -> list[str]:
    """Split at separators outside brackets, e.g. a list of types; no text gives no parts."""
    parts, at = [], 0
    for position in top_level(text, separator):
        parts.append(text[at:position].strip())
        at = position + 1
    parts.append(text[at:].strip())
    return [part for part in parts if part]


def enclosed(text: str, start: int) -> str:
    """Return what stands between the bracket at ``start`` and the one that closes it."""
    end = next(top_level(text, ")]}>", start + 1), len(text))
    return text[start + 1 : end]


def attribute(header: str, name: str, aliases: dict[str, str]) -> str | None:
    """Return an attribute's value as text, aliases resolved; None if it is not there."""
    match = re.search(rf"(?<![\w.$]){name}\s*=\s*", header)
    if match is None or match.end() == len(header):
        return None
    start = match.end()
    if header[start] in "[{":
        return header[start : start + len(enclosed(header, start)) + 2]
    end = next(top_level(header, ",\n", start), None)
    value = header[start : len(header) if end is None else end]
    value = value[: next(top_level(value, ")]}", 0), len(value))].strip()
    return aliases.get(value, value)


def integers(value: str | None) -> tuple[int, ...]:
    """Return the numbers of a dense or array attribute, e.g. of "dense<[2, 1]> : vector<2xi64>"."""
    if value is None:
        return ()
    match = re.match(r"\s*(?:dense|array)\s*<", value)
    inner = enclosed(value, match.end() - 1) if match else value.split(" : ")[0]
    return tuple(int(number) for number in re.findall(r"(?<![\w.])-?\d+(?![\w.])", inner))
