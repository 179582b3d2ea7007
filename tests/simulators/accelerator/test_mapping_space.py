"""Mapping spaces against an independent enumeration in Python."""

from itertools import permutations, product
from math import comb, prod

import numpy as np
import pytest

from simulators.accelerator import (
    Architecture,
    Block,
    Compute,
    InvalidMappingError,
    Layer,
    Level,
    LevelConstraints,
    LoopConstraints,
    Mapping,
    MappingConstraints,
    MappingSpace,
    evaluate_batch,
)
from simulators.errors import InvalidConfigError

SMALL = Architecture(
    "small",
    (
        Level(name="DRAM", technology="DRAM", read_energy_pj=100, write_energy_pj=120),
        Level(name="Buffer", depth=24, read_energy_pj=6, write_energy_pj=7, read_bandwidth=2),
        Level(
            name="Registers", depth=7, instances=6, mesh_x=3, read_energy_pj=1, write_energy_pj=1
        ),
    ),
    Compute(instances=6, mesh_x=3, energy_pj=2),
)
KEEP = {
    "Buffer": LevelConstraints(keep=frozenset({"Inputs", "Outputs"})),
    "Registers": LevelConstraints(keep=frozenset({"Weights"}), bypass=frozenset({"Inputs"})),
}


def factorisations(bound: int, places: int) -> list[tuple[int, ...]]:
    if places == 1:
        return [(bound,)]
    return [
        (factor, *rest)
        for factor in range(1, bound + 1)
        if bound % factor == 0
        for rest in factorisations(bound // factor, places - 1)
    ]


def orders(loops: list[tuple[object, ...]]) -> list[tuple[tuple[object, ...], ...]]:
    return list(permutations(loop for loop in loops if loop[1] > 1))  # type: ignore[operator]


def brute_force(arch: Architecture, layer: Layer, keeps: list[dict[str, frozenset[str]]]) -> set:
    """Every mapping whose spatial loops are in the outermost but one level, legal or not."""
    dims = [dim for dim, bound in layer.dims.items() if bound > 1]
    found = set()
    for factors in product(*(factorisations(layer.dims[dim], 4) for dim in dims)):
        spread = [(dim, f[1]) for dim, f in zip(dims, factors, strict=True) if f[1] > 1]
        temporal = [
            orders([(dim, f[i]) for dim, f in zip(dims, factors, strict=True)]) for i in (0, 2, 3)
        ]
        for axes in product("XY", repeat=len(spread)):
            loops = [(*loop, axis) for loop, axis in zip(spread, axes, strict=True)]
            along = [[loop for loop in loops if loop[2] == axis] for axis in "YX"]
            for y, x, dram, buffer, registers in product(*map(orders, along), *temporal):
                for keep in keeps:
                    blocks = (
                        Block("DRAM", dram, (), keep["DRAM"]),
                        Block("Buffer", buffer, (*y, *x), keep["Buffer"]),
                        Block("Registers", registers, (), keep["Registers"]),
                    )
                    found.add(Mapping(blocks))
    return found


@pytest.fixture(scope="module")
def layer() -> Layer:
    return Layer.conv(c=4, m=3, r=1, s=1, p=2, q=1)


@pytest.fixture(scope="module")
def legal(layer: Layer) -> set[Mapping]:
    everything = frozenset({"Weights", "Inputs", "Outputs"})
    buffers = [everything, everything - {"Weights"}]
    registers = [frozenset({"Weights"}), frozenset({"Weights", "Outputs"})]
    keeps = [
        {"DRAM": everything, "Buffer": b, "Registers": r} for b, r in product(buffers, registers)
    ]
    mappings = list(brute_force(SMALL, layer, keeps))
    valid = evaluate_batch(SMALL, layer, mappings).valid
    return {mapping for mapping, fits in zip(mappings, valid, strict=True) if fits}


def test_enumeration_is_every_legal_mapping_once(layer: Layer, legal: set[Mapping]) -> None:
    space = MappingSpace(SMALL, layer, MappingConstraints(KEEP))
    batches = list(space.enumerate(chunk=500))
    mappings = [b.mapping(SMALL, layer, i) for b in batches for i in range(len(b))]
    assert all(len(batch) == 500 for batch in batches[:-1])
    assert len(mappings) == len(set(mappings)) == len(legal) > 1000
    assert set(mappings) == legal
    assert space.count() == len(legal)
    assert space.count(limit=100) == 100
    assert space.size > len(legal)


def test_samples_are_legal_members_and_differ_between_seeds(
    layer: Layer, legal: set[Mapping]
) -> None:
    space = MappingSpace(SMALL, layer, MappingConstraints(KEEP))
    draws = []
    for seed in (0, 0, 1):
        batch = space.sample(200, np.random.default_rng(seed))
        draws.append([batch.mapping(SMALL, layer, i) for i in range(len(batch))])
    assert draws[0] == draws[1] != draws[2]
    assert set(draws[0]) | set(draws[2]) <= legal
    assert len(set(draws[0])) > 100


def test_every_point_of_a_space_of_fixed_orders_is_equally_likely() -> None:
    layer = Layer.conv(c=4, m=1, r=1, s=1, p=1, q=1)
    arch = Architecture("two", (Level(name="A"), Level(name="B"), Level(name="C")), Compute())
    space = MappingSpace(arch, layer, MappingConstraints({n: all_kept() for n in "BC"}))
    assert space.size == space.count() * 1 == 6  # 2 x 2 over three places
    batch = space.sample(6000, np.random.default_rng(0))
    names = [str(batch.mapping(arch, layer, i)) for i in range(6000)]
    counts = [names.count(name) for name in set(names)]
    assert len(counts) == 6
    assert 900 < min(counts) < max(counts) < 1100


def all_kept() -> LevelConstraints:
    return LevelConstraints(keep=frozenset({"Weights", "Inputs", "Outputs"}))


def test_constraints_hold_in_every_mapping() -> None:
    arch, layer = Architecture.preset("eyeriss"), Layer.conv(c=8, m=12, r=3, s=3, p=8, q=6, n=2)
    space = MappingSpace(arch, layer, MappingConstraints.preset("eyeriss"))
    (batch,) = space.enumerate()
    assert evaluate_batch(arch, layer, batch).valid.all()
    free_rows = "MCQ"
    for i in range(0, len(batch), 7):
        blocks = {block.level: block for block in batch.mapping(arch, layer, i).blocks}
        assert dict(blocks["weights_spad"].temporal)["R"] == 3
        assert dict(blocks["shared_glb"].temporal)["P"] == 8
        assert ("S", 3, "Y") in blocks["DummyBuffer"].spatial
        assert all(dim in "MQ" and axis == "X" for dim, _, axis in blocks["shared_glb"].spatial)
        assert all(dim == "M" for dim, _ in blocks["psum_spad"].temporal)
        order = [dim for dim, _ in blocks["DRAM"].temporal]
        assert order == sorted(order, key="QNMC".index)
        for dim in free_rows:
            loops = [loop for b in blocks.values() for loop in (*b.temporal, *b.spatial)]
            assert prod(loop[1] for loop in loops if loop[0] == dim) == layer.dims[dim]


def test_a_partial_order_fixes_the_innermost_loops_only() -> None:
    layer = Layer.conv(c=2, m=2, r=2, s=1, p=2, q=1)
    arch = Architecture("one", (Level(name="DRAM"),), Compute())
    rules = LevelConstraints(temporal=LoopConstraints(permutation=("M", "C")))
    space = MappingSpace(arch, layer, MappingConstraints({"DRAM": rules}))
    (batch,) = space.enumerate()
    found = {
        "".join(dim for dim, _ in batch.mapping(arch, layer, i).blocks[0].temporal)
        for i in range(len(batch))
    }
    assert found == {"RPCM", "PRCM"}


def test_a_maximum_limits_the_factor() -> None:
    layer = Layer.conv(c=8, m=1, r=1, s=1, p=1, q=1)
    arch = Architecture("two", (Level(name="A"), Level(name="B")), Compute())
    rules = LevelConstraints(temporal=LoopConstraints(max_factors={"C": 4}), keep=all_kept().keep)
    space = MappingSpace(arch, layer, MappingConstraints({"B": rules}))
    (batch,) = space.enumerate()
    inner = [dict(batch.mapping(arch, layer, i).blocks[1].temporal) for i in range(len(batch))]
    assert sorted(loops.get("C", 1) for loops in inner) == [1, 2, 4]


def test_constraints_on_dimensions_that_the_layer_lacks_have_no_effect() -> None:
    layer = Layer.depthwise(c=32, r=3, s=3, p=14, q=14)
    space = MappingSpace(
        Architecture.preset("eyeriss"), layer, MappingConstraints.preset("eyeriss")
    )
    assert space.count() > 0


def space_of(layer: Layer, **levels: LevelConstraints) -> MappingSpace:
    return MappingSpace(SMALL, layer, MappingConstraints(levels))


def test_factors_that_do_not_divide_a_bound_are_named() -> None:
    rules = LevelConstraints(temporal=LoopConstraints(factors={"C": 3}))
    with pytest.raises(
        InvalidMappingError, match=r"no legal mapping: .*of C \(Buffer temporal=3\)"
    ):
        space_of(Layer.conv(c=4, m=1, r=1, s=1, p=1, q=1), Buffer=rules)


def test_a_bound_without_a_place_is_named() -> None:
    one = LoopConstraints(factors={"C": 1})
    rules = {
        "DRAM": LevelConstraints(temporal=LoopConstraints(max_factors={"C": 2})),
        "Buffer": LevelConstraints(temporal=one, spatial=one),
        "Registers": LevelConstraints(temporal=one),
    }
    with pytest.raises(InvalidMappingError, match="4 of C=4 is left over") as caught:
        space_of(Layer.conv(c=4, m=1, r=1, s=1, p=1, q=1), **rules)
    assert caught.value.reason == "factors"


def test_a_fan_out_that_is_too_small_is_named() -> None:
    rules = LevelConstraints(
        spatial=LoopConstraints(factors={"M": 0}, permutation=("C", "M"), split=1)
    )
    space = space_of(Layer.conv(c=4, m=5, r=1, s=1, p=1, q=1), Buffer=rules)
    with pytest.raises(
        InvalidMappingError, match=r"level Buffer needs a fan-out of 5 along Y, it has 2.*M: Buffer"
    ) as caught:
        space.check()
    assert (caught.value.reason, caught.value.level) == ("fanout", "Buffer")


def test_a_tile_that_never_fits_is_named() -> None:
    rules = LevelConstraints(
        temporal=LoopConstraints(factors={"C": 0}), keep=frozenset({"Weights"})
    )
    space = space_of(Layer.conv(c=9, m=1, r=1, s=1, p=1, q=1), Registers=rules)
    with pytest.raises(
        InvalidMappingError, match="smallest tiles at level Registers take 9 words, it holds 7"
    ) as caught:
        next(space.enumerate())
    assert (caught.value.reason, caught.value.level) == ("capacity", "Registers")


def test_spatial_loops_that_fit_no_axis_are_named() -> None:
    rules = LevelConstraints(spatial=LoopConstraints(factors={"C": 3, "M": 2}))
    layer = Layer.conv(c=3, m=2, r=1, s=1, p=1, q=1)
    assert space_of(layer, Buffer=rules).count() > 0
    both = LevelConstraints(spatial=LoopConstraints(factors={"C": 2, "M": 2}))
    layer = Layer.conv(c=2, m=2, r=1, s=1, p=1, q=1)
    assert space_of(layer, Buffer=both).count() > 0
    wide = LevelConstraints(spatial=LoopConstraints(factors={"C": 5}))
    with pytest.raises(InvalidMappingError, match=r"fan-out of 5 along [XY], it has [32]"):
        space_of(Layer.conv(c=5, m=1, r=1, s=1, p=1, q=1), Buffer=wide).check()


def test_a_tensor_that_is_kept_nowhere_is_named() -> None:
    rules = LevelConstraints(bypass=frozenset({"Inputs"}))
    with pytest.raises(InvalidMappingError, match="bypass Inputs at every level") as caught:
        space_of(
            Layer.conv(c=2, m=1, r=1, s=1, p=1, q=1), DRAM=rules, Buffer=rules, Registers=rules
        )
    assert caught.value.reason == "keep"


def test_a_tensor_may_bypass_the_outermost_level() -> None:
    layer = Layer.conv(c=2, m=1, r=1, s=1, p=1, q=1)
    space = space_of(layer, DRAM=LevelConstraints(bypass=frozenset({"Weights"})))
    (batch,) = space.enumerate()
    assert evaluate_batch(SMALL, layer, batch).valid.all()
    assert (batch.keep[:, 0, 0] == 0).all()
    assert (batch.keep[:, 1:, 0].any(axis=1)).all()


def test_a_space_that_is_too_large_to_enumerate_says_so() -> None:
    layer = Layer.conv(c=2**20, m=1, r=1, s=1, p=1, q=1)
    levels = tuple(Level(name=f"L{i}") for i in range(9))
    space = MappingSpace(Architecture("deep", levels, Compute()), layer)
    assert space.size == comb(28, 8) * 2**24
    assert space.count(limit=1000) == 1000
    with pytest.raises(InvalidConfigError, match="too large to enumerate"):
        next(space.enumerate())
