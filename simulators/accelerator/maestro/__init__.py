"""MAESTRO's cost model: data-centric mappings on an array of processing elements.

All figures are MAESTRO's, also where its closed forms are approximate: a spatial map that occupies
fewer sub-clusters than there are leaves one of them out of the output's writes to L2; where one
sub-cluster alone ends Y or X, the rows that its filter reads count as outputs; and of a few uneven
spatial maps it drops the remainder, so that `Cost.macs` falls short of the layer's.

>>> from simulators.accelerator import maestro
>>> layer = maestro.MaestroLayer(dims={"K": 4, "C": 6, "R": 3, "S": 3, "Y": 8, "X": 8})
>>> mapping = '''
... TemporalMap(1,1) C;
... SpatialMap(1,1) K;
... TemporalMap(Sz(R),Sz(R)) R;
... TemporalMap(Sz(S),Sz(S)) S;
... TemporalMap(Sz(R),1) Y;
... TemporalMap(Sz(S),1) X;
... '''
>>> cost = maestro.evaluate(layer, mapping, maestro.Hardware(pes=4, noc_bandwidth=64))
>>> cost.cycles, cost.macs, cost.input.l2_reads
(1945, 7776, 864)
"""

from simulators.accelerator.maestro._cost import REASONS, Cost, CostBatch, Delay, TensorCounts
from simulators.accelerator.maestro._evaluate import (
    Compatibility,
    evaluate,
    evaluate_batch,
    evaluate_network,
)
from simulators.accelerator.maestro._hardware import Hardware
from simulators.accelerator.maestro._layer import MaestroLayer
from simulators.accelerator.maestro._mapping import (
    Cluster,
    Directive,
    MaestroMapping,
    SpatialMap,
    TemporalMap,
)
from simulators.accelerator.maestro._parser import parse_network

__all__ = [
    "REASONS",
    "Cluster",
    "Compatibility",
    "Cost",
    "CostBatch",
    "Delay",
    "Directive",
    "Hardware",
    "MaestroLayer",
    "MaestroMapping",
    "SpatialMap",
    "TemporalMap",
    "TensorCounts",
    "evaluate",
    "evaluate_batch",
    "evaluate_network",
    "parse_network",
]
