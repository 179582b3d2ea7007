"""Design spaces: properties over random spaces, and errors over hand-made ones."""

import itertools
import json
import math
import zlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archgym.errors import InfeasibleDesignError, InvalidConfigError, InvalidDesignError
from archgym.space import (
    Categorical,
    Condition,
    Constraint,
    DesignSpace,
    Integer,
    Ordinal,
    Permutation,
    Real,
    Vector,
)

MAX_PRODUCT = 1500

numbers = st.integers(-50, 50) | st.floats(-50, 50).map(lambda x: round(x, 3))
choices = st.lists(st.text("abcxyz", min_size=1, max_size=3), min_size=1, max_size=4, unique=True)


@st.composite
def parameters(draw, name, earlier):
    when = None
    if earlier and draw(st.booleans()):
        parent = draw(st.sampled_from(earlier))
        values = draw(st.lists(st.sampled_from(parent.values), min_size=1, max_size=3, unique=True))
        when = Condition(parent.name, tuple(values))
    kinds = ["categorical", "permutation", "vector", "ordinal", "integer", "real"]
    kind = draw(st.sampled_from(kinds))
    if kind == "categorical":
        return Categorical(name=name, when=when, choices=tuple(draw(choices)))
    if kind == "permutation":
        return Permutation(name=name, when=when, items=tuple("abc"[: draw(st.integers(1, 3))]))
    if kind == "vector":
        pairs = st.tuples(st.integers(1, 9), st.integers(1, 9))
        rows = draw(st.lists(pairs, min_size=1, max_size=4, unique=True))
        return Vector(name=name, when=when, rows=tuple(sorted(rows)))
    if kind == "ordinal":
        values = draw(st.lists(numbers, min_size=1, max_size=4, unique=True))
        return Ordinal(name=name, when=when, values=tuple(sorted(values)))
    low = draw(st.integers(1, 20))
    if kind == "integer":
        high = low + draw(st.integers(0, 6))
        return Integer(name=name, when=when, low=low, high=high, step=draw(st.integers(1, 3)))
    steps, log = draw(st.integers(2, 4)), draw(st.booleans())
    return Real(name=name, when=when, low=low, high=low + 3.5, steps=steps, log=log)


def pseudo_random_constraint(name, reads):
    """A rule that forbids about a quarter of the designs, by a checksum of what it reads."""

    def function(design):
        text = repr([design.get(parameter) for parameter in reads])
        return 1.0 - zlib.crc32(text.encode()) % 4

    return Constraint(name, function, "checksum is not divisible by 4", tuple(reads))


@st.composite
def spaces(draw, conditional=True, constrained=True):
    made = []
    for i in range(draw(st.integers(1, 5))):
        made.append(draw(parameters(f"p{i}", made if conditional else [])))
    assume(math.prod(p.cardinality for p in made) <= MAX_PRODUCT)
    rules = []
    if constrained and draw(st.booleans()):
        names = st.sampled_from([p.name for p in made])
        reads = draw(st.lists(names, min_size=1, max_size=3, unique=True))
        rules.append(pseudo_random_constraint("checksum", reads))
    space = DesignSpace(made, rules)
    assume(space.size > 0)
    return space


def all_vectors(space):
    return np.array(list(itertools.product(*(range(n) for n in space.nvec))), dtype=np.int64)


@given(spaces())
def test_decode_then_encode_gives_the_canonical_vector(space):
    for vector in all_vectors(space):
        design = space.decode(vector)
        assert np.array_equal(space.encode(design), space.canonical(vector))
        assert space.decode(space.encode(design)) == design
        assert tuple(design) == tuple(np.array(space.names)[space.active(vector)])


@given(spaces())
def test_canonical_and_active_agree_between_one_vector_and_many(space):
    vectors = all_vectors(space)
    for function in (space.canonical, space.active):
        assert np.array_equal(function(vectors), np.array([function(v) for v in vectors]))
    canonical = space.canonical(vectors)
    assert np.array_equal(space.canonical(canonical), canonical)
    assert np.array_equal(space.active(canonical), space.active(vectors))


@given(spaces())
def test_enumeration_is_exactly_the_legal_designs_and_size_counts_them(space):
    listed = list(space.enumerate())
    keys = [space.key(design) for design in listed]
    reachable = {space.key(d) for d in map(space.decode, all_vectors(space)) if space.is_legal(d)}
    assert keys == sorted(reachable)
    assert space.size == len(listed)
    assert space.size_is_exact


@given(spaces(), st.integers(0, 2**32 - 1))
def test_every_sample_is_legal_canonical_and_repeatable(space, seed):
    vectors = space.sample_indices(np.random.default_rng(seed), 50)
    assert vectors.shape == (50, len(space))
    assert vectors.dtype == np.int64
    assert np.array_equal(vectors, space.canonical(vectors))
    assert all(space.is_legal(space.decode(vector)) for vector in vectors)
    assert np.array_equal(vectors, space.sample_indices(np.random.default_rng(seed), 50))
    assert space.is_legal(space.sample(np.random.default_rng(seed)))


@settings(max_examples=25)
@given(spaces())
def test_every_legal_design_is_sampled_sooner_or_later(space):
    assume(np.prod(space.nvec) <= 60)
    drawn = space.sample_indices(np.random.default_rng(0), 3000)
    assert {tuple(v) for v in drawn.tolist()} == {space.key(d) for d in space.enumerate()}


def is_near(parameter, index, other):
    """Return whether one small change leads from one index to the other."""
    if isinstance(parameter, Permutation | Vector):
        return other in parameter.moves(index)  # see test_structured.py
    return abs(index - other) == 1 or not parameter.ordered


@given(spaces())
def test_neighbours_are_legal_distinct_and_one_choice_away(space):
    for design in itertools.islice(space.enumerate(), 20):
        base = space.encode(design)
        expected = set()
        for i in np.flatnonzero(space.active(base)):
            for index in range(space.nvec[i]):
                near = is_near(space.parameters[i], int(base[i]), index)
                moved = base.copy()
                moved[i] = index
                if index != base[i] and near and space.is_legal(space.decode(moved)):
                    expected.add(tuple(space.canonical(moved).tolist()))
        found = [space.key(neighbour) for neighbour in space.neighbours(design)]
        assert len(found) == len(set(found))
        assert set(found) == expected


@given(spaces(conditional=False))
def test_without_conditions_neighbourhood_is_symmetric(space):
    listed = list(itertools.islice(space.enumerate(), 20))
    near = {space.key(d): {space.key(n) for n in space.neighbours(d)} for d in listed}
    for a, b in itertools.combinations(near, 2):
        assert (b in near[a]) == (a in near[b])


@given(spaces())
def test_unit_cube_round_trip_is_exact_for_every_legal_design(space):
    for design in itertools.islice(space.enumerate(), 50):
        point = space.to_unit(design)
        assert ((point > 0) & (point < 1)).all()
        assert space.from_unit(point) == design


@given(spaces(), st.data())
def test_every_point_of_the_unit_cube_decodes(space, data):
    unit = st.floats(0, 1) | st.sampled_from([0.0, 1.0])
    points = data.draw(st.lists(st.lists(unit, min_size=len(space), max_size=len(space))))
    array = np.array(points, dtype=float).reshape(-1, len(space))
    vectors = space.indices_from_unit(array)
    assert np.array_equal(vectors, space.canonical(vectors))
    assert [space.decode(v) for v in vectors] == [space.from_unit(point) for point in array]


@given(spaces(), st.integers(0, 2**32 - 1))
def test_gymnasium_spaces_hold_exactly_the_index_vectors(space, seed):
    discrete, named = space.multi_discrete(), space.dict_space()
    discrete.seed(seed)
    named.seed(seed)
    design = space.sample(np.random.default_rng(seed))
    vector = space.encode(design)
    assert vector in discrete
    assert dict(zip(space.names, vector, strict=True)) in named
    space.decode(discrete.sample())
    drawn = named.sample()
    space.decode([drawn[name] for name in space.names])
    assert space.nvec not in discrete


@given(spaces(), st.integers(0, 2**32 - 1))
def test_optuna_conversions_are_inverse_and_suggest_asks_only_active_parameters(space, seed):
    optuna = pytest.importorskip("optuna")
    design = space.sample(np.random.default_rng(seed))
    params = space.to_optuna(design)
    assert set(params) == set(design)
    assert space.from_optuna(params) == design
    distributions = space.optuna_distributions()
    assert tuple(distributions) == space.names
    for name, value in params.items():
        assert distributions[name]._contains(distributions[name].to_internal_repr(value))
    # A FixedTrial raises if it is asked for a parameter that it was not given.
    assert space.suggest(optuna.trial.FixedTrial(params)) == design


@given(spaces(), st.integers(0, 2**32 - 1))
def test_designs_survive_json_text_and_shuffling(space, seed):
    rng = np.random.default_rng(seed)
    design = space.sample(rng)
    assert space.validate(json.loads(json.dumps(design))) == design
    assert space.parse({name: str(value) for name, value in design.items()}) == design
    shuffled = dict(rng.permutation(np.array(list(design.items()), dtype=object)).tolist())
    assert list(space.validate(shuffled).items()) == list(design.items())


@given(spaces(), spaces())
def test_fingerprints_differ_exactly_when_definitions_do(one, other):
    same = one.to_json() == other.to_json()
    assert (one.fingerprint() == other.fingerprint()) == same
    assert json.loads(json.dumps(one.to_json())) == one.to_json()


def controller():
    return DesignSpace(
        [
            Categorical(name="page_policy", choices=("Open", "Closed")),
            Categorical(name="refresh", choices=("None", "AllBank")),
            Integer(name="postponed", low=1, high=8, when=Condition("refresh", ("AllBank",))),
            Ordinal(name="buffer", values=(1, 2, 4, 8), unit="requests"),
            Categorical(name="ecc", choices=(False, True)),
            Real(name="voltage", low=0.9, high=1.2, steps=4, unit="V"),
        ],
        [Constraint("retention", lambda d: float(d["refresh"] == "None"), "data must survive")],
    )


def a_design(**changes):
    design = {
        "page_policy": "Open",
        "refresh": "AllBank",
        "postponed": 8,
        "buffer": 4,
        "ecc": True,
        "voltage": 1.0,
    }
    return {name: v for name, v in {**design, **changes}.items() if v is not None}


def test_size_of_a_conditional_space_counts_inactive_parameters_once():
    space = controller()
    assert space.size == 2 * 8 * 4 * 2 * 4
    assert DesignSpace(space.parameters).size == 2 * (1 + 8) * 4 * 2 * 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"page_policy": "Opn"}, ["page_policy='Opn'", "Did you mean 'Open'?", "Open, Closed"]),
        ({"page_polcy": "Open"}, ["Unknown parameter 'page_polcy'", "Did you mean 'page_policy'"]),
        ({"page_policy": None}, ["lacks page_policy", "Open, Closed"]),
        ({"refresh": "None"}, ["postponed is not active", "refresh in ['AllBank']", "Leave it"]),
        ({"postponed": 9}, ["postponed=9", "1 to 8"]),
        ({"buffer": 3}, ["buffer=3", "1, 2, 4, 8"]),
        ({"buffer": True}, ["buffer=True"]),
        ({"buffer": float("nan")}, ["buffer=nan"]),
        ({"buffer": [4]}, ["buffer=[4]"]),
        ({"ecc": 1}, ["ecc=1", "False, True"]),
        ({"voltage": 1.04}, ["voltage=1.04", "4 points", "nearest is 1.0"]),
        ({"voltage": float("nan")}, ["voltage=nan"]),
        ({"voltage": float("inf")}, ["voltage=inf", "nearest is 1.2"]),
        ({"voltage": "high"}, ["voltage='high'"]),
        ({"voltage": True}, ["voltage=True"]),
    ],
)
def test_a_wrong_design_is_refused_with_what_is_allowed(changes, words):
    with pytest.raises(InvalidDesignError) as caught:
        controller().encode(a_design(**changes))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("text", ["Opn", "1"])
def test_text_that_spells_no_value_is_refused(text):
    space = controller()
    with pytest.raises(InvalidDesignError, match=f"page_policy='{text}' is not allowed"):
        space.parse({"page_policy": text})
    with pytest.raises(InvalidDesignError, match="Unknown parameter 'page'"):
        space.parse({"page": text})
    with pytest.raises(InvalidDesignError, match="buffer='four'"):
        space.parse({"buffer": "four"})


def test_numpy_scalars_and_equal_numbers_name_the_same_design():
    space = controller()
    other = a_design(buffer=np.int64(4), postponed=8.0, ecc=np.True_, voltage=np.float64(1.0))
    validated = space.validate(other)
    assert validated == space.validate(a_design())
    assert [type(v) for v in validated.values()] == [str, str, int, int, bool, float]


@pytest.mark.parametrize(
    "vector",
    [[0] * 5, [0, 0, 0, 4, 0, 0], [0, 0, 0, -1, 0, 0], [0.5] * 6, ["a"] * 6, 0, [[0] * 6]],
)
def test_an_index_vector_outside_the_space_is_refused(vector):
    with pytest.raises(InvalidDesignError, match="outside the space"):
        controller().decode(vector)


@pytest.mark.parametrize("vectors", [[0] * 5, [[0] * 6, [9] * 6], [0.5] * 6])
def test_canonical_refuses_vectors_outside_the_space(vectors):
    with pytest.raises(InvalidDesignError, match="outside the space"):
        controller().canonical(vectors)


@pytest.mark.parametrize("point", [[0.5] * 5, [float("nan")] * 6, 0.5])
def test_a_point_outside_the_unit_cube_is_refused(point):
    with pytest.raises(InvalidDesignError, match="unit cube"):
        controller().from_unit(point)


def test_violations_name_every_constraint_and_require_legal_raises():
    space = controller()
    lossy = a_design(refresh="None", postponed=None)
    assert space.violations(a_design()) == {"retention": 0.0}
    assert space.violations(lossy) == {"retention": 1.0}
    space.require_legal(a_design())
    with pytest.raises(InfeasibleDesignError, match="data must survive") as caught:
        space.require_legal(lossy)
    assert caught.value.violations == {"retention": 1.0}


def test_a_constraint_that_gives_nan_is_violated():
    rule = Constraint("broken", lambda d: float("nan"))
    space = DesignSpace([Integer(name="n", low=0, high=3)], [rule])
    assert not space.is_legal({"n": 0})
    assert space.size == 0
    with pytest.raises(InfeasibleDesignError, match="broken"):
        space.require_legal({"n": 0})


def test_sampling_a_space_without_legal_designs_ends_with_an_error():
    space = DesignSpace([Integer(name="n", low=0, high=3)], [Constraint("no", lambda d: 1.0)])
    with pytest.raises(InfeasibleDesignError, match="Loosen the constraints no"):
        space.sample_indices(np.random.default_rng(0), 60_000)


def test_size_of_a_huge_space_is_exact_for_scoped_constraints_and_a_bound_for_others():
    huge = [Integer(name=f"n{i}", low=0, high=999) for i in range(8)]
    scoped = Constraint("even", lambda d: float(d["n3"] % 2), parameters=("n3",))
    unscoped = Constraint("even", lambda d: float(d["n3"] % 2))
    assert DesignSpace(huge).size == 10**24
    assert DesignSpace(huge, [scoped]).size == 10**24 // 2
    assert DesignSpace(huge, [scoped]).size_is_exact
    assert DesignSpace(huge, [unscoped]).size == 10**24
    assert not DesignSpace(huge, [unscoped]).size_is_exact
    slow = Constraint("even", lambda d: float(d["n3"] % 2), parameters=("n3",), counted=False)
    assert DesignSpace(huge, [slow]).size == 10**24
    assert not DesignSpace(huge, [slow]).size_is_exact


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: DesignSpace([]), "at least one parameter"),
        (lambda: DesignSpace([Integer(name="a", low=0, high=1)] * 2), "named 'a'"),
        (lambda: Integer(name="a-b", low=0, high=1), "identifier"),
        (lambda: Integer(name="a", low=1, high=0), "empty"),
        (lambda: Integer(name="a", low=0, high=1, step=0), "empty"),
        (lambda: Integer(name="a", low=0.0, high=1), "whole number"),
        (lambda: Integer(name="a", low=0, high=10**9), "coarser grid"),
        (lambda: Categorical(name="a", choices=()), "0 values"),
        (lambda: Categorical(name="a", choices="Open"), "is text"),
        (lambda: Categorical(name="a", choices=("x", "x")), "twice"),
        (lambda: Categorical(name="a", choices=(None,)), "NoneType"),
        (lambda: Ordinal(name="a", values=(2, 1)), "strictly rising"),
        (lambda: Ordinal(name="a", values=("1",)), "finite numbers"),
        (lambda: Ordinal(name="a", values=(0, math.inf)), "finite numbers"),
        (lambda: Real(name="a", low=1, high=1), "low < high"),
        (lambda: Real(name="a", low=0, high=1, log=True), "low > 0"),
        (lambda: Real(name="a", low=0, high=1, steps=1), "at least 2"),
        (lambda: Condition("a", ()), "non-empty"),
        (lambda: Condition("a", "x"), "non-empty"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(build, words):
    with pytest.raises(InvalidConfigError, match=words):
        build()


def test_a_condition_on_a_later_unknown_or_impossible_parent_is_refused():
    parent = Integer(name="parent", low=0, high=3)
    for when, words in (
        (Condition("child", (0,)), "not declared"),
        (Condition("parnt", (0,)), "Did you mean 'parent'"),
        (Condition("parent", (7,)), "parent=7 is not allowed"),
    ):
        child = Integer(name="child", low=0, high=1, when=when)
        with pytest.raises(InvalidConfigError, match=words):
            DesignSpace([parent, child])


def test_a_constraint_on_an_unknown_parameter_is_refused():
    rule = Constraint("rule", lambda d: 0.0, parameters=("m",))
    with pytest.raises(InvalidConfigError, match="unknown parameter 'm'"):
        DesignSpace([Integer(name="n", low=0, high=3)], [rule])


def test_a_logarithmic_grid_has_equal_ratios_and_exact_ends():
    grid = Real(name="r", low=0.1, high=100.0, steps=7, log=True).values
    ratios = [b / a for a, b in itertools.pairwise(grid)]
    assert grid[0] == 0.1
    assert grid[-1] == 100.0
    assert ratios == pytest.approx([10**0.5] * 6)


# ---------------------------------------------------------------- as a table


def test_a_space_reads_as_a_table_of_what_it_has():
    space = DesignSpace(
        [
            Categorical(name="policy", choices=("open", "closed", "adaptive")),
            Integer(name="limit", low=1, high=8, unit="rows", when=Condition("policy", ("open",))),
        ]
    )
    table = space.table()
    assert list(table.columns) == ["parameter", "kind", "values", "unit", "active if", "group"]
    assert list(table["active if"]) == ["", "policy is open"]
    assert str(space).splitlines() == [
        "10 designs",
        "",
        "parameter  kind         unit  active if       values",
        "policy     categorical                        open, closed, adaptive",
        "limit      integer      rows  policy is open  1 to 8",
    ]
    wide = DesignSpace([Categorical(name="many", choices=tuple(f"value{i}" for i in range(40)))])
    lines = str(wide).splitlines()
    assert 100 < max(map(len, lines)) <= 120
    assert lines[3].startswith("many       categorical  value0, ")
    assert lines[4].startswith(" " * 24 + "value")
    html = space._repr_html_()
    assert "10 designs" in html
    assert "<th>group</th>" not in html  # it is empty


def test_a_bound_on_the_size_is_called_one():
    space = DesignSpace(
        [Integer(name=f"p{i}", low=0, high=99) for i in range(5)],
        [Constraint("any", lambda design: -1.0, "Nothing is refused.")],
    )
    assert not space.size_is_exact
    assert str(space).startswith("at most 10,000,000,000 designs")
