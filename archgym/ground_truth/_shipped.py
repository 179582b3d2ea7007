"""The tables that come with the package, and what is known from them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym.problem import Problem
from archgym.space import Design
from archgym.trials import METADATA_KEY

if TYPE_CHECKING:
    from archgym.objective import Objective

FOLDER = Path(__file__).parents[1] / "ground_truths"
"""The tables of the package, and ``optima.json`` about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactFront:
    """The Pareto front of all designs of a problem."""

    objective: str
    """Specification of the objectives."""

    points: int
    """Different reward vectors on the front."""

    ideal: tuple[float, ...]
    """The highest reward there is in each objective."""

    nadir: tuple[float, ...]
    """The lowest reward of the front in each objective."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """What is known about a problem of which the package has the table."""

    name: str
    """Name of the table, for `GroundTruth.load`."""

    problem: str
    """Id of the problem."""

    config: Mapping[str, Any]
    """Arguments of the problem, as far as they decide what is measured."""

    designs: int
    """Legal designs, all measured."""

    objective: str
    """The problem's own objective."""

    reward: float
    """The highest reward there is."""

    optimal_designs: int
    """Designs that have it."""

    design: Design
    """The first of them."""

    front: ExactFront
    """The front of two objectives."""


def shipped(problem: str | None = None) -> list[Optimum]:
    """Return the optima known from the package's tables, of one problem or of all."""
    entries = json.loads((FOLDER / "optima.json").read_text(encoding="utf-8"))
    found = [Optimum(**{**entry, "front": ExactFront(**entry["front"])}) for entry in entries]
    return [optimum for optimum in found if problem in (None, optimum.problem)]


def path_of(table: str | os.PathLike[str]) -> Path:
    """Return the path of a table, given as a path or as the name of one of the package's."""
    own = FOLDER / f"{os.fspath(table)}.parquet"
    return own if own.parent == FOLDER and own.exists() else Path(table)


def same_problem(identity: Mapping[str, Any], problem: Problem) -> bool:
    """Return whether a recorded identity is that of ``problem``, by whatever release."""
    mine, other = dict(identity), json.loads(json.dumps(problem.identity()))
    for changing in ("version", "evaluator"):
        del mine[changing], other[changing]
    return bool(mine == other)


def known_optimum(problem: Problem, objective: "Objective") -> Optimum | None:
    """Return what the package knows about a problem in its configuration, with an objective."""
    import pyarrow.parquet as pq

    for optimum in shipped(problem.name):
        fits = all(problem.config.get(name) == value for name, value in optimum.config.items())
        if fits and optimum.objective == objective.spec:
            metadata = json.loads(pq.read_schema(path_of(optimum.name)).metadata[METADATA_KEY])
            if same_problem(metadata["identity"], problem):
                return optimum
    return None
