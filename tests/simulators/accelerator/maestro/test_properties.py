"""What must hold for every mapping, checked against a walk over all iterations, tile by tile."""

from dataclasses import dataclass
from itertools import product
from math import ceil, prod

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulators.accelerator.maestro import Hardware, MaestroLayer, evaluate, evaluate_batch

LOOPS = "KCYX"


@dataclass(frozen=True)
class Loop:
    """A dimension's loop; rows and columns (Y, X) are counted in outputs."""

    dim: str
    tile: int
    total: int
    spatial: bool

    def text(self) -> str:
        kind = "SpatialMap" if self.spatial else "TemporalMap"
        prime = "'" if self.dim in "YX" else ""
        return f"{kind}({self.tile},{self.tile}) {self.dim}{prime};"


@dataclass(frozen=True)
class Case:
    """A layer with a one-level mapping of tiles that do not overlap."""

    loops: tuple[Loop, ...]
    r: int
    s: int
    pes: int

    @property
    def layer(self) -> MaestroLayer:
        size = {loop.dim: loop.total for loop in self.loops}
        dims = {**size, "R": self.r, "S": self.s}
        dims |= {"Y": size["Y"] + self.r - 1, "X": size["X"] + self.s - 1}
        return MaestroLayer(dims=dims)

    @property
    def mapping(self) -> str:
        filter_loops = "TemporalMap(Sz(R),Sz(R)) R;TemporalMap(Sz(S),Sz(S)) S;"
        return "".join(loop.text() for loop in self.loops) + filter_loops


@st.composite
def cases(draw: st.DrawFn, *, perfect: bool) -> Case:
    order = draw(st.permutations(LOOPS))
    spatial = draw(st.sampled_from(LOOPS))
    pes = draw(st.integers(1, 5))
    loops = []
    for dim in order:
        tile = draw(st.integers(1, 4))
        if dim == spatial:
            total = tile * pes * draw(st.integers(1, 2))
        elif perfect:
            total = tile * draw(st.integers(1, 3))
        else:
            total = draw(st.integers(tile, 9))
        loops.append(Loop(dim, tile, total, dim == spatial))
    return Case(tuple(loops), draw(st.integers(1, 3)), draw(st.integers(1, 3)), pes)


def steps(loop: Loop, pes: int) -> list[list[range]]:
    """Return, per iteration, what each processing element holds of the loop's dimension."""
    stride = loop.tile * (pes if loop.spatial else 1)
    found = []
    for start in range(0, loop.total, stride):
        offsets = [i * loop.tile if loop.spatial else 0 for i in range(pes)]
        found.append([range(start + o, min(start + o + loop.tile, loop.total)) for o in offsets])
    return found


def walk(case: Case) -> tuple[int, int, int, int]:
    """Return MACs, cycles of computing, filter elements read and output elements written."""
    macs = cycles = filter_reads = output_writes = 0
    position = {loop.dim: i for i, loop in enumerate(case.loops)}
    before: tuple[int, ...] | None = None
    counters = [range(len(steps(loop, case.pes))) for loop in case.loops]
    for counter in product(*counters):
        tiles = [
            {
                loop.dim: steps(loop, case.pes)[i][pe]
                for loop, i in zip(case.loops, counter, strict=True)
            }
            for pe in range(case.pes)
        ]
        work = [prod(len(tile[d]) for d in LOOPS) * case.r * case.s for tile in tiles]
        macs += sum(work)
        cycles += max(work)
        outputs = {o for tile in tiles for o in product(tile["K"], tile["Y"], tile["X"])}
        output_writes += len(outputs)
        filters = {f for tile in tiles for f in product(tile["K"], tile["C"])}
        changed = [i for i, n in enumerate(counter) if n > 0]
        if before is None or changed[-1] in (position["K"], position["C"]):
            filter_reads += len(filters) * case.r * case.s
        before = counter
    return macs, cycles, filter_reads, output_writes


@settings(deadline=None)
@given(cases(perfect=True))
def test_counts_are_those_of_a_walk_over_all_iterations(case: Case) -> None:
    cost = evaluate(case.layer, case.mapping, Hardware(pes=case.pes, noc_hop_latency=0))
    macs, cycles, filter_reads, output_writes = walk(case)
    assert macs == case.layer.macs == cost.macs
    assert cost.cycles == cycles
    assert cost.filter.l2_reads == filter_reads
    assert cost.output.l2_writes == output_writes


@settings(deadline=None)
@given(cases(perfect=False))
def test_uneven_tiles_compute_everything_once_and_take_their_own_time(case: Case) -> None:
    cost = evaluate(case.layer, case.mapping, Hardware(pes=case.pes, noc_hop_latency=0))
    macs, cycles, _, output_writes = walk(case)
    assert cost.macs == macs == case.layer.macs
    assert cost.cycles == cycles
    assert cost.output.l2_writes == output_writes


@given(cases(perfect=False))
def test_accesses_are_conserved(case: Case) -> None:
    cost = evaluate(case.layer, case.mapping, Hardware(pes=case.pes))
    inputs, filters = case.layer.tensor_sizes()
    assert cost.input.l2_writes == inputs
    assert cost.filter.l2_writes == filters
    assert cost.filter.l2_reads >= filters
    assert cost.input.l1_reads == cost.filter.l1_reads == cost.output.l1_writes == cost.macs
    assert cost.output.l2_writes >= cost.output.l2_reads
    assert 0 < cost.utilized_pes <= case.pes
    assert cost.peak_noc_bandwidth >= int(cost.mean_noc_bandwidth)
    assert cost.ingress_delay.min <= cost.ingress_delay.mean <= cost.ingress_delay.max


@given(cases(perfect=False), st.integers(1, 64), st.integers(0, 3), st.integers(1, 8))
def test_more_resources_never_cost_time(case: Case, bandwidth: int, hop: int, simd: int) -> None:
    base = {"noc_bandwidth": bandwidth, "noc_hop_latency": hop, "simd": simd}
    slow = evaluate(case.layer, case.mapping, Hardware(pes=case.pes, **base))
    assert slow.cycles >= ceil(slow.macs / (case.pes * simd))
    for better in ({"noc_bandwidth": bandwidth + 1}, {"simd": simd + 1}):
        fast = evaluate(case.layer, case.mapping, Hardware(pes=case.pes, **{**base, **better}))
        assert fast.cycles <= slow.cycles
        assert fast.energy_nj == slow.energy_nj


@given(cases(perfect=True), st.sampled_from(LOOPS))
def test_a_cluster_of_one_changes_neither_work_nor_time(case: Case, inner: str) -> None:
    size = {loop.dim: loop.tile for loop in case.loops}
    second = (
        "".join(Loop(dim, size[dim], size[dim], dim == inner).text() for dim in LOOPS)
        + "TemporalMap(Sz(R),Sz(R)) R;TemporalMap(Sz(S),Sz(S)) S;"
    )
    hardware = Hardware(pes=case.pes, noc_hop_latency=0)
    flat = evaluate(case.layer, case.mapping, hardware)
    nested = evaluate(case.layer, f"{case.mapping}Cluster(1,P);{second}", hardware)
    assert nested.macs == flat.macs
    assert nested.cycles == flat.cycles
    assert nested.energy_nj == flat.energy_nj


@settings(deadline=None)
@given(st.lists(cases(perfect=False), min_size=1, max_size=4), st.integers(1, 32))
def test_a_batch_is_its_mappings_one_by_one(found: list[Case], bandwidth: int) -> None:
    layer = found[0].layer
    mappings = [case.mapping for case in found]
    hardware = Hardware(pes=4, noc_bandwidth=bandwidth)
    batch = evaluate_batch(layer, mappings, hardware)
    assume(batch.valid.all())
    assert [batch.cost(i) for i in range(len(found))] == [
        evaluate(layer, mapping, hardware) for mapping in mappings
    ]
