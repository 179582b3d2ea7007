"""Search for the best mapping of a layer."""

from dataclasses import dataclass, replace
from math import inf, prod

from simulators.accelerator import _core
from simulators.accelerator._architecture import Architecture
from simulators.accelerator._batch import MappingBatch
from simulators.accelerator._constraints import MappingConstraints
from simulators.accelerator._cost import Cost
from simulators.accelerator._evaluate import evaluate
from simulators.accelerator._layer import Axis, Layer
from simulators.accelerator._mapping import Mapping
from simulators.accelerator._mapping_space import MappingSpace
from simulators.accelerator._packed import pack
from simulators.accelerator._padding import larger_bounds
from simulators.errors import InvalidConfigError, InvalidMappingError, did_you_mean

OBJECTIVES = ("cycles", "energy", "edp")
_EDP_UNIT = 1e-12  # J per pJ


@dataclass(frozen=True, slots=True)
class SearchedMapping:
    """What `search_mapping` found."""

    layer: Layer
    """What the mapping computes: the layer asked for, or with ``pad=True`` one that contains it."""
    mapping: Mapping
    """Legal on the architecture, within the constraints."""
    cost: Cost
    """Of the mapping; the work on padding is charged like any other."""
    utilization: float
    """Of the multipliers, by the layer asked for: work on padding is none."""
    evaluations: int
    """Mappings evaluated."""
    optimal: bool
    """True: no mapping of the `MappingSpace` has a lower objective, proven by enumeration or
    because the bound is reached."""
    bound: float
    """No mapping of ``layer`` has a lower objective: cycles, energy in pJ or EDP in J x cycles."""


def search_mapping(
    arch: Architecture,
    layer: Layer,
    objective: str = "edp",
    budget: int = 100_000,
    seed: int = 0,
    constraints: MappingConstraints | None = None,
    *,
    pad: bool = False,
    threads: int = 1,
    compatibility: str = "timeloop3",
) -> SearchedMapping:
    """Return the best legal mapping found, the same for the same arguments.

    A space with at most ``budget`` legal mappings is enumerated: the result is optimal. Others are
    searched by simulated annealing with restarts (Kirkpatrick et al., Science 220, 1983) and a
    descent; then what the best value found does not rule out is enumerated, if it fits the rest of
    the budget.

    Args:
        arch: the accelerator.
        layer: the workload.
        objective: what to minimise: "cycles", "energy" or "edp" (energy x cycles).
        budget: most mappings to evaluate, about; 2,000 is a quick look.
        seed: of the random moves.
        constraints: None: whatever the architecture can run.
        pad: also try larger bounds that have more divisors, e.g. 14 for 13, with a third of the
            budget for the choice of bounds and a third for the chosen ones.
        threads: threads that share the restarts; the result does not depend on it.
        compatibility: as of `evaluate`.

    Raises:
        InvalidMappingError: no mapping is legal; the message says what stands in the way.
        InvalidConfigError: an unknown objective, a budget, seed or number of threads out of range,
            or constraints on a level or tensor that does not exist.
    """
    if objective not in OBJECTIVES:
        raise InvalidConfigError(
            f"objective is {objective!r}.{did_you_mean(objective, OBJECTIVES)} "
            f"Allowed: {', '.join(OBJECTIVES)}."
        )
    _check_count("budget", budget, 1)
    _check_count("seed", seed, 0)
    _check_count("threads", threads, 1)
    search = _Search(arch, layer, objective, seed, constraints, threads, compatibility)
    return search.run_padded(budget) if pad else search.run(layer, budget)


@dataclass(frozen=True, slots=True)
class _Search:
    arch: Architecture
    layer: Layer
    objective: str
    seed: int
    constraints: MappingConstraints | None
    threads: int
    compatibility: str

    def run(self, layer: Layer, budget: int) -> SearchedMapping:
        space = MappingSpace(self.arch, layer, self.constraints)
        found, rows, _, bound, evaluations, optimal = _core.search_mapping(
            space.core,
            pack(self.arch, layer, self.compatibility).model,
            OBJECTIVES.index(self.objective),
            budget,
            self.seed,
            self.threads,
            _least_energy_pj(space),
        )
        if found != 0:
            space.check()
            raise InvalidMappingError(
                f"found no legal mapping in {evaluations} evaluations. Raise the budget.",
                "capacity",
            )
        mapping = MappingBatch(*rows).mapping(self.arch, layer, 0)
        cost = evaluate(self.arch, layer, mapping, compatibility=self.compatibility)
        if self.objective == "edp":
            bound = cost.edp_j_cycle if optimal else bound * _EDP_UNIT
        utilization = self.layer.macs / cost.cycles / self.arch.compute.instances
        return SearchedMapping(layer, mapping, cost, utilization, evaluations, optimal, bound)

    def value(self, found: SearchedMapping) -> float:
        if self.objective == "cycles":
            return found.cost.cycles
        return found.cost.energy_pj if self.objective == "energy" else found.cost.edp_j_cycle

    def attempt(self, layer: Layer, budget: int) -> SearchedMapping | None:
        try:
            return self.run(layer, budget)
        except InvalidMappingError:
            return None

    def run_padded(self, budget: int) -> SearchedMapping:
        """Enlarge one bound after the other, keep what helps, and search the result again."""
        third = max(budget // 3, 1)
        trials = larger_bounds(self.arch, self.layer)
        share = max(third // (len(trials) + 1), 1)
        chosen, best, spent = self.layer, inf, 0
        for change in ({}, *trials):
            layer = replace(chosen, dims={**chosen.dims, **change})
            found = self.attempt(layer, share)
            spent += found.evaluations if found else 0
            if found and self.value(found) < best:
                chosen, best = layer, self.value(found)
        last = [self.attempt(layer, third) for layer in dict.fromkeys((chosen, self.layer))]
        results = [found for found in last if found]
        if not results:
            return self.run(self.layer, third)  # raises
        spent += sum(found.evaluations for found in results)
        return replace(min(results, key=self.value), evaluations=spent)


def _check_count(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
        raise InvalidConfigError(f"{name} is {value!r}. Give an integer of {least} or more.")


def _least_energy_pj(space: MappingSpace) -> float:
    """Energy that every mapping of the space needs: the arithmetic, and each word moved once.

    The outermost level reads every input word that is used and takes every output word at least
    once; the innermost one feeds each multiply-accumulate, if it is bound to keep a tensor and no
    fan-out lies below it.
    """
    arch, layer = space.arch, space.layer
    energy = layer.macs * arch.compute.energy_pj
    inner = arch.levels[-1]
    feeds = arch.compute.instances == inner.instances and len(arch.levels) > 1
    for bit, tensor in enumerate(layer.tensors):
        for number, words in (
            (0, prod(_used(axis, layer) for axis in tensor.axes)),
            (-1, layer.macs),
        ):
            level = arch.levels[number]
            kept = space.keeps(number) >> bit & 1
            if not kept or (number == -1 and not feeds):
                continue
            read, write = level.access_energy_pj
            accesses = words / level.block_size / level.cluster_size
            energy += accesses * (write if tensor.output else read)
    return energy * (1 - 1e-9)


def _used(axis: Axis, layer: Layer) -> int:
    """Return a lower bound of how many places along an axis a layer uses."""
    length = 1
    for dim, coefficient in sorted(axis, key=lambda term: term[1]):
        if coefficient <= length:  # the windows touch or overlap
            length += coefficient * (layer.dims[dim] - 1)
    return max(length, max(layer.dims[dim] for dim, _ in axis))
