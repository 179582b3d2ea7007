"""Parameters with parts: permutations and vectors, alone and in a design space."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgym.errors import InvalidConfigError, InvalidDesignError
from archgym.space import Condition, DesignSpace, Integer, Permutation, Vector

ITEMS = st.lists(st.text("abcXYZ", min_size=1, max_size=2), min_size=1, max_size=5, unique=True)
ROWS = st.integers(1, 3).flatmap(
    lambda width: st.sets(st.tuples(*[st.integers(1, 40)] * width), min_size=1, max_size=30).map(
        lambda rows: tuple(sorted(rows))
    )
)


@given(ITEMS)
def test_every_index_is_one_order_and_every_order_has_one(items: list[str]) -> None:
    parameter = Permutation(name="order", items=tuple(items))
    assert parameter.cardinality == math.factorial(len(items))
    assert set(parameter.orders) == set(itertools.permutations(items))
    assert len(set(parameter.values)) == parameter.cardinality
    for index, value in enumerate(parameter.values):
        assert parameter.index(value) == index == parameter.index(parameter.parse(value))


def test_the_index_of_an_order_is_its_lehmer_code() -> None:
    parameter = Permutation(name="order", items=("K", "C", "Y", "X"))
    for index, order in enumerate(parameter.orders):
        rest, rank = list(parameter.items), 0
        for item in order:
            digit = rest.index(item)
            rank = rank * len(rest) + digit
            rest.pop(digit)
        assert rank == index


@given(ITEMS, st.data())
def test_a_permutation_moves_by_swapping_two_items(items: list[str], data: st.DataObject) -> None:
    parameter = Permutation(name="order", items=tuple(items))
    index = data.draw(st.integers(0, parameter.cardinality - 1))
    moves = parameter.moves(index)
    assert len(set(moves)) == len(moves) == math.comb(len(items), 2)
    for move in moves:
        pairs = zip(parameter.orders[index], parameter.orders[move], strict=True)
        assert sum(a != b for a, b in pairs) == 2
        assert index in parameter.moves(move)


@given(ROWS, st.data())
def test_a_vector_moves_one_number_or_to_the_next_row(
    rows: tuple[tuple[int, ...], ...], data: st.DataObject
) -> None:
    parameter = Vector(name="tiles", rows=rows)
    index = data.draw(st.integers(0, len(rows) - 1))
    moves = parameter.moves(index)
    assert len(set(moves)) == len(moves)
    for move in moves:
        different = [
            i for i, (a, b) in enumerate(zip(rows[index], rows[move], strict=True)) if a != b
        ]
        assert abs(move - index) == 1 or len(different) == 1
        assert index in parameter.moves(move)
    for other in range(len(rows)):  # nothing between: such a row would be the move
        apart = [(a, b) for a, b in zip(rows[index], rows[other], strict=True) if a != b]
        if len(apart) == 1 and abs(apart[0][0] - apart[0][1]) == 1:
            assert other in moves


@given(ROWS, st.data())
def test_a_number_of_a_vector_can_be_set_and_the_rest_is_mended(
    rows: tuple[tuple[int, ...], ...], data: st.DataObject
) -> None:
    parameter = Vector(name="tiles", rows=rows)
    index = data.draw(st.integers(0, len(rows) - 1))
    component = data.draw(st.integers(0, parameter.width - 1))
    number = data.draw(st.sampled_from(parameter.components[component]))
    mended = rows[parameter.with_component(index, component, number)]
    assert mended[component] == number
    gaps = [_gap(row, rows[index], component) for row in rows if row[component] == number]
    assert _gap(mended, rows[index], component) == pytest.approx(min(gaps))


def _gap(row: tuple[int, ...], other: tuple[int, ...], skip: int) -> float:
    pairs = enumerate(zip(row, other, strict=True))
    return sum(abs(math.log(a / b)) for i, (a, b) in pairs if i != skip)


def test_values_read_as_they_are_written() -> None:
    order = Permutation(name="order", items=("P0", "P1"))
    tiles = Vector(name="tiles", rows=((1, 1), (4, 2), (4, 4)), labels=("outer", "inner"))
    assert order.values == ("P0-P1", "P1-P0")
    assert tiles.values == ("1/1", "4/2", "4/4")
    assert tiles.parse("4/2") == "4/2"
    with pytest.raises(InvalidDesignError, match="an order of P0-P1"):
        order.index("P1-P1")
    many = Vector(name="many", rows=tuple((n, 1) for n in range(1, 21)), labels=("outer", "inner"))
    assert many.allowed == "20 of outer/inner from 1/1 to 20/1"


def test_they_are_parameters_like_others() -> None:
    space = DesignSpace(
        [
            Integer(name="levels", low=1, high=2),
            Permutation(name="order", items=("a", "b", "c"), group="level_1"),
            Vector(name="tiles", rows=((1,), (2,)), when=Condition("levels", (1,)), group="tiles"),
            Vector(name="more", rows=((1, 1), (2, 1)), when=Condition("levels", (2,))),
        ]
    )
    assert space.size == 6 * (2 + 2) == len(list(space.enumerate()))
    rng = np.random.default_rng(0)
    for _ in range(20):
        design = space.sample(rng)
        assert space.decode(space.encode(design)) == design
        for neighbour in space.neighbours(design):
            assert space.is_legal(neighbour)
    swaps = [d["order"] for d in space.neighbours(space.decode([0, 0, 0, 0]))]
    assert {"bac", "acb", "cba"} <= set(swaps)
    assert not {"bca", "cab"} & set(swaps)
    definitions = space.to_json()["parameters"]
    assert definitions[1]["items"] == ["a", "b", "c"]
    assert definitions[3]["rows"] == [[1, 1], [2, 1]]
    assert [d.get("group") for d in definitions] == [None, "level_1", "tiles", None]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Permutation(name="p", items=()), "1 to 8 different"),
        (lambda: Permutation(name="p", items=("a", "a")), "1 to 8 different"),
        (lambda: Permutation(name="p", items=tuple("abcdefghi")), "1 to 8 different"),
        (lambda: Permutation(name="p", items=("a-b", "c")), "without '-'"),
        (lambda: Vector(name="v", rows=()), "0 values"),
        (lambda: Vector(name="v", rows=((),)), "not 0 whole numbers"),
        (lambda: Vector(name="v", rows=((1, 2), (3,))), r"row \(3,\) is not 2 whole"),
        (lambda: Vector(name="v", rows=((0,),)), "at least 1"),
        (lambda: Vector(name="v", rows=((2,), (1,))), "not strictly rising"),
        (lambda: Vector(name="v", rows=((1,),), labels=("a", "b")), "2 labels for rows of 1"),
    ],
)
def test_definitions_that_make_no_sense_are_refused(make, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        make()
