"""The core's counts of one mapping, turned into named records when asked for."""

from typing import Any

from simulators.accelerator._architecture import Architecture
from simulators.accelerator._core import Result
from simulators.accelerator._cost import LevelCost, NetworkCost
from simulators.accelerator._layer import Layer
from simulators.accelerator._packed import Packed, pack


def _count_again(
    arch: Architecture, layer: Layer, compatibility: str, loops: list[int], keep: bytes
) -> "Counts":
    packed = pack(arch, layer, compatibility)
    result = packed.model.evaluate(loops, keep)
    if isinstance(result, tuple):
        raise packed.failure(result)
    return Counts(packed, loops, keep, result)


class Counts:
    """Counts of one evaluation; the records are built on demand."""

    __slots__ = ("_keep", "_loops", "_packed", "_result")

    def __init__(self, packed: Packed, loops: list[int], keep: bytes, result: Result) -> None:
        self._packed = packed
        self._loops = loops
        self._keep = keep
        self._result = result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        return self.levels() == other.levels() and self.networks() == other.networks()

    def __hash__(self) -> int:
        return hash((self._result.cycles, self._result.energy_pj))

    def __reduce__(self) -> tuple[Any, ...]:
        packed = self._packed
        key = (packed.architecture, packed.layer, packed.compatibility)
        return _count_again, (*key, self._loops, self._keep)

    def level_energy_pj(self) -> dict[str, float]:
        """Level name -> energy of all its instances."""
        return {
            level.name: float(sum(row[5] for row in self._result.traffic(number)))
            for number, level in enumerate(self._packed.architecture.levels)
        }

    def level_cycles(self) -> dict[str, int]:
        """Level name -> cycles it needs at its bandwidths."""
        return {
            level.name: int(self._result.level(number)[0])
            for number, level in enumerate(self._packed.architecture.levels)
        }

    def levels(self) -> dict[str, dict[str, LevelCost]]:
        """Level name -> tensor name -> counts, for the tensors kept there."""
        layer, architecture = self._packed.layer, self._packed.architecture
        names = [tensor.name for tensor in layer.tensors]
        output = names.index(layer.output.name)
        table: dict[str, dict[str, LevelCost]] = {}
        compute_cycles = self._result.compute_cycles
        for number, level in enumerate(architecture.levels):
            _, slowdown, instances, fanout = self._result.level(number)
            clusters = min(int(instances), level.instances // level.cluster_size)
            rate = slowdown / compute_cycles
            row = table[level.name] = {}
            for t, traffic in enumerate(self._result.traffic(number)):
                if not self._keep[number * len(names) + t]:
                    continue
                tile, partition, reads, updates, fills, energy, entering, links, adds, _, into = (
                    traffic
                )
                row[names[t]] = LevelCost(
                    tile_size=int(tile),
                    partition_size=int(partition),
                    instances=int(instances),
                    clusters=clusters,
                    reads=int(reads),
                    updates=int(updates),
                    fills=int(fills),
                    temporal_reductions=int(reads) if t == output else 0,
                    address_generations=int((updates if t == output else reads) + fills),
                    energy_pj=energy,
                    read_bandwidth=reads * rate,
                    write_bandwidth=(updates + fills) * rate,
                    fanout=int(fanout),
                    ingresses=entering,
                    multicast_factor=int(max((m for m, _, _ in into), default=0)),
                    link_transfers=round(links),
                    spatial_reductions=round(adds),
                )
        return table

    def networks(self) -> dict[str, dict[str, NetworkCost]]:
        """``"outer <==> inner"`` -> tensor name -> transfers."""
        layer, architecture = self._packed.layer, self._packed.architecture
        names = [*(level.name for level in architecture.levels), architecture.compute.name]
        table = {}
        for number in range(len(architecture.levels)):
            *_, fanout = self._result.level(number)
            rows = self._result.traffic(number)
            table[f"{names[number]} <==> {names[number + 1]}"] = {
                tensor.name: NetworkCost(
                    ingress=tuple((int(m), int(s), words) for m, s, words in sorted(row[10])),
                    fanout=int(fanout),
                    multicast_factor=int(max((m for m, _, _ in row[10]), default=0)),
                    ingresses=row[6],
                    link_transfers=round(row[7]),
                    spatial_reductions=round(row[8]),
                    hops=row[9],
                )
                for tensor, row in zip(layer.tensors, rows, strict=True)
            }
        return table
