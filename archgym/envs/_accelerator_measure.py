"""What a design of Accelerator-v0 costs: every layer is mapped, and the costs are added up."""

from dataclasses import dataclass
from typing import Literal

from simulators.accelerator import (
    Architecture,
    Cost,
    InvalidMappingError,
    Layer,
    Mapping,
    MappingConstraints,
    search_mapping,
)

__all__ = ["LayerCost", "LayerMapper", "MappingObjective", "Measurement"]

MappingObjective = Literal["edp", "cycles", "energy"]


@dataclass(frozen=True, slots=True)
class LayerCost:
    """A layer, the best mapping found for it, and what that costs."""

    layer: Layer
    cost: Cost
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class Measurement:
    """All layers of a workload on one architecture."""

    architecture: Architecture
    layers: tuple[LayerCost, ...]

    @property
    def cycles(self) -> int:
        """Cycles of all layers, one after the other."""
        return sum(each.layer.count * each.cost.cycles for each in self.layers)

    @property
    def energy_pj(self) -> float:
        """Energy of all layers."""
        return sum(each.layer.count * each.cost.energy_pj for each in self.layers)

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the environment, by name."""
        macs = sum(each.layer.count * each.layer.macs for each in self.layers)
        return {
            "cycles": float(self.cycles),
            "energy_pj": self.energy_pj,
            "area_mm2": self.architecture.area_um2 / 1e6,
            "utilization": macs / (self.cycles * self.architecture.compute.instances),
            "edp_j_cycle": self.energy_pj * 1e-12 * self.cycles,
        }

    @property
    def level_energy_pj(self) -> dict[str, float]:
        """Energy by storage level, outermost first, and of the multipliers."""
        energies = {level.name: 0.0 for level in self.architecture.levels}
        energies[self.architecture.compute.name] = 0.0
        for each in self.layers:
            for name, energy in each.cost.level_energy_pj.items():
                energies[name] += each.layer.count * energy
            compute = each.layer.count * each.cost.compute_energy_pj
            energies[self.architecture.compute.name] += compute
        return energies


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMapper:
    """Finds mappings, always the same ones for the same architecture and layer."""

    objective: MappingObjective
    budget: int
    seed: int

    def map(
        self, architecture: Architecture, layer: Layer, constraints: MappingConstraints
    ) -> LayerCost | str:
        """Return the cost of the best mapping found, or why there is none."""
        try:
            found = search_mapping(
                architecture,
                layer,
                objective=self.objective,
                budget=self.budget,
                seed=self.seed,
                constraints=constraints,
            )
        except InvalidMappingError as error:
            return f"no mapping of layer {layer.name}: {error}"
        return LayerCost(layer, found.cost, found.mapping)
