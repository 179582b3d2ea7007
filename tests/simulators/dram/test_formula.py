import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.dram._formula import Formula
from simulators.errors import InvalidConfigError


def cycles(text: str, **values: int) -> int:
    return Formula.parse(text, "here").cycles(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RCD - AL", 11),
        ("2 * RCD + -AL", 26),
        ("RCD / 2 * 2", 15),
        ("RCD // 2", 7),
        ("ceil(RCD / 2)", 8),
        ("max(AL, RCD, 3)", 15),
        ("(RCD - AL) * 2", 22),
        ("AL - RCD", -11),
    ],
)
def test_formulas_follow_arithmetic(text: str, expected: int) -> None:
    assert cycles(text, RCD=15, AL=4) == expected


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "f(1)", "max()", "ceil(1, 2)", "RCD ** 2", "RCD.real", "'a'", "1.5", "True",
     "[1]", "x if y else z", "RCD := 3", "lambda: 1", "max(*RCD)", "__import__('os')", 3, None],
)  # fmt: skip
def test_anything_but_arithmetic_is_rejected_when_read(text: object) -> None:
    with pytest.raises(InvalidConfigError, match=r"^here: .*Allowed"):
        Formula.parse(text, "here")


def test_an_unknown_timing_is_named_with_the_closest_known_one() -> None:
    with pytest.raises(InvalidConfigError, match=r"here: .*'RCDD'.*Did you mean 'RCD'"):
        cycles("RCDD + 1", RCD=15)


def test_a_fractional_result_is_rejected() -> None:
    with pytest.raises(InvalidConfigError, match=r"'RCD / 2' gives 15/2, which is not a whole"):
        cycles("RCD / 2", RCD=15)


def test_a_division_by_zero_is_rejected() -> None:
    with pytest.raises(InvalidConfigError, match="divides by zero"):
        cycles("1 / (RCD - RCD)", RCD=15)


@settings(deadline=None)
@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(1, 50))
def test_integer_arithmetic_agrees_with_python(a: int, b: int, c: int) -> None:
    assert cycles("A * B - B // C + max(A, B, C)", A=a, B=b, C=c) == a * b - b // c + max(a, b, c)
