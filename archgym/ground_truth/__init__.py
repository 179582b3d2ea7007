"""Ground truth: every legal design of a problem, measured, so that regret is exact.

A table is one Parquet file in the order of `DesignSpace.enumerate`:

| column | type | meaning |
|---|---|---|
| ``index.<name>`` | int16 | index of the parameter's value, 0 while inactive |
| ``feasible`` | bool | the evaluation met every constraint |
| ``result`` | int32 | number of the result: many designs measure the same |
| ``metric.<name>`` | double | metric in the problem's unit; null if the evaluation failed |

Results are numbered in order of first appearance, and metrics are null in rows that repeat one.
Without the column ``result`` every row has its own. The key ``archgym`` of the file's metadata
holds the identity and configuration of the problem.
Some tables come with the package: `shipped` lists them.
"""

from archgym.ground_truth._enumeration import TabulatingProblem, enumerate_problem
from archgym.ground_truth._shipped import FOLDER, ExactFront, Optimum, known_optimum, shipped
from archgym.ground_truth._table import GroundTruth

__all__ = [
    "FOLDER",
    "ExactFront",
    "GroundTruth",
    "Optimum",
    "TabulatingProblem",
    "enumerate_problem",
    "known_optimum",
    "shipped",
]
