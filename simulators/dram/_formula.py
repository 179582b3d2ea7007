"""Arithmetic on timing names: the little expression language of the standards' tables."""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from simulators.errors import InvalidConfigError, did_you_mean

ALLOWED = "whole numbers, timing names, + - * / //, max(...), ceil(...) and parentheses"

# Keeps the recursion over the syntax tree shallow.
_MAX_LENGTH = 200
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: Fraction(left // right),
}
_FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "max": max,
    "ceil": lambda value: Fraction(math.ceil(value)),
}


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed expression, and where it was written (for error messages)."""

    text: str
    where: str
    tree: ast.expr

    @classmethod
    def parse(cls, text: object, where: str) -> "Formula":
        """Parse ``text``.

        Raises:
            InvalidConfigError: not a string, not an expression, or a construct outside ``ALLOWED``.
        """
        try:
            if not isinstance(text, str) or len(text) > _MAX_LENGTH:
                raise SyntaxError
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InvalidConfigError(
                f"{where}: {str(text)[:_MAX_LENGTH]!r} is not a formula. Allowed: a string of at "
                f"most {_MAX_LENGTH} characters of {ALLOWED}."
            ) from None
        formula = cls(text, where, tree)
        formula.names()
        return formula

    def names(self) -> set[str]:
        """Return the timing names the formula reads."""
        return self._names(self.tree)

    def cycles(self, values: Mapping[str, int]) -> int:
        """Evaluate to a whole number of clock cycles (it may be negative).

        Args:
            values: clock cycles by timing name.

        Raises:
            InvalidConfigError: an unknown name, a division by zero, or a fractional result.
        """
        try:
            result = self._evaluate(self.tree, values)
        except KeyError as error:
            name = error.args[0]
            raise InvalidConfigError(
                f"{self.where}: formula '{self.text}' reads the unknown timing {name!r}."
                f"{did_you_mean(name, values)} Known: {', '.join(sorted(values))}."
            ) from None
        except ZeroDivisionError:
            raise InvalidConfigError(
                f"{self.where}: formula '{self.text}' divides by zero."
            ) from None
        if result.denominator != 1:
            raise InvalidConfigError(
                f"{self.where}: formula '{self.text}' gives {result}, which is not a whole number "
                "of clock cycles. Round it with // or ceil(...), or correct the timings it reads."
            )
        return int(result)

    def _names(self, node: ast.expr) -> set[str]:
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return set()
            case ast.Name(id=name):
                return {name}
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._names(operand)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                return self._names(left) | self._names(right)
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]) if (
                name in _FUNCTIONS and (name == "max" or len(arguments) == 1)
            ):
                return set().union(*(self._names(argument) for argument in arguments))
        raise InvalidConfigError(
            f"{self.where}: formula '{self.text}' uses '{ast.unparse(node)}'. Allowed: {ALLOWED}."
        )

    def _evaluate(self, node: ast.expr, values: Mapping[str, int]) -> Fraction:
        match node:
            case ast.Constant(value=int(value)):
                return Fraction(value)
            case ast.Name(id=name):
                return Fraction(values[name])
            case ast.UnaryOp(operand=operand):
                return -self._evaluate(operand, values)
            case ast.BinOp(left=left, op=operator, right=right):
                combine = _OPERATORS[type(operator)]
                return combine(self._evaluate(left, values), self._evaluate(right, values))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return _FUNCTIONS[name](*(self._evaluate(each, values) for each in arguments))
        raise AssertionError(node)  # _names accepted it, so one of the cases above did too
