"""A finite set of designs, each an integer vector and back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from archgym.errors import (
    InfeasibleDesignError,
    InvalidConfigError,
    InvalidDesignError,
    did_you_mean,
)
from archgym.space import _interop, _table
from archgym.space._activity import ActivityForest
from archgym.space._constraints import Constraint, count_legal, design_of
from archgym.space._parameters import (
    Design,
    Parameter,
)

if TYPE_CHECKING:
    import pandas as pd
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

Indices = NDArray[np.int64]

# Rejection sampling gives up after this many draws in a row without one legal design.
MAX_REJECTIONS = 100_000


class DesignSpace:
    """A finite set of designs: parameters, conditions between them, and constraints.

    A design is a dict of the *active* parameters in declaration order. Its canonical index vector
    has one int64 per declared parameter, 0 where inactive. `encode` and `decode` are inverse
    to each other between designs and canonical vectors; every vector inside ``nvec`` decodes.
    A design is *legal* when no constraint is violated.

    Args:
        parameters: at least one; names differ; a condition names a parameter declared earlier.
        constraints: rules that legal designs fulfil.

    Raises:
        InvalidConfigError: the definition contradicts itself.
    """

    def __init__(
        self, parameters: Sequence[Parameter], constraints: Sequence[Constraint] = ()
    ) -> None:
        self.parameters = tuple(parameters)
        self.constraints = tuple(constraints)
        self.names = tuple(parameter.name for parameter in self.parameters)
        self._check_names()
        self._position = {name: i for i, name in enumerate(self.names)}
        self._check_constraints()
        self.forest = ActivityForest(
            cardinalities=tuple(p.cardinality for p in self.parameters),
            parents=tuple(self._parent_of(i, p) for i, p in enumerate(self.parameters)),
            enabling=tuple(self._enabling(p) for p in self.parameters),
        )
        self.nvec: Indices = np.array(self.forest.cardinalities, dtype=np.int64)
        self.nvec.setflags(write=False)
        # One flat row per parameter, so that decoding and encoding touch no attribute. Values are
        # found by their type too, as True == 1; those of other types go through `Parameter.index`.
        self._rows = tuple(
            (p.name, p.values, {(type(v), v): i for i, v in enumerate(p.values)}, parent, enabling)
            for p, parent, enabling in zip(
                self.parameters, self.forest.parents, self.forest.enabling, strict=True
            )
        )

    # ---------------------------------------------------------------- definition

    def _check_names(self) -> None:
        if not self.names:
            raise InvalidConfigError("A design space needs at least one parameter.")
        for kind, names in (
            ("parameter", self.names),
            ("constraint", [c.name for c in self.constraints]),
        ):
            twice = {name for name in names if list(names).count(name) > 1}
            if twice:
                raise InvalidConfigError(f"Two {kind}s are named {sorted(twice)[0]!r}. Rename one.")

    def _parent_of(self, position: int, parameter: Parameter) -> int:
        if parameter.when is None:
            return -1
        earlier = self.names[:position]
        if parameter.when.parent not in earlier:
            raise InvalidConfigError(
                f"{parameter.name} depends on {parameter.when.parent!r}, which is not declared "
                f"before it.{did_you_mean(parameter.when.parent, earlier)} "
                f"Declared before: {', '.join(earlier) or 'none'}."
            )
        return self._position[parameter.when.parent]

    def _enabling(self, parameter: Parameter) -> tuple[bool, ...]:
        when = parameter.when
        if when is None:
            return ()
        parent = self[when.parent]
        try:
            enabling = {parent.index(value) for value in when.values}
        except InvalidDesignError as error:
            raise InvalidConfigError(f"The condition of {parameter.name}: {error}") from None
        return tuple(index in enabling for index in range(parent.cardinality))

    def _check_constraints(self) -> None:
        for constraint in self.constraints:
            for name in constraint.parameters:
                if name not in self._position:
                    raise InvalidConfigError(
                        f"Constraint {constraint.name} reads the unknown parameter {name!r}."
                        f"{did_you_mean(name, self.names)} Known: {', '.join(self.names)}."
                    )

    def __getitem__(self, name: str) -> Parameter:
        """Return the parameter called ``name``."""
        return self.parameters[self._position[name]]

    def __len__(self) -> int:
        """Return the number of declared parameters."""
        return len(self.parameters)

    def __repr__(self) -> str:
        inner = ", ".join(f"{p.name}: {p.cardinality}" for p in self.parameters)
        return f"DesignSpace({inner})"

    def __str__(self) -> str:
        """Return the number of designs and `table` as text."""
        return _table.text_of(self)

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        return f"<p>{_table.size_of(self)}</p>{_table.shown(self).to_html(index=False)}"

    def table(self) -> "pd.DataFrame":
        """Return a row per parameter to read, all text.

        Returns:
            Columns ``parameter, kind, values, unit, active if, group``; empty where there is none.
        """
        return _table.table_of(self)

    # ---------------------------------------------------------------- bijection

    def decode(self, indices: ArrayLike) -> Design:
        """Return the design of an index vector; entries of inactive parameters are ignored.

        Raises:
            InvalidDesignError: wrong length, not integers, or an entry outside ``nvec``.
        """
        row: Any = np.asarray(indices).tolist()
        if not isinstance(row, list) or len(row) != len(self._rows):
            raise self._bad_vector(row)
        return self._design(row)

    def _design(self, row: Sequence[int]) -> Design:
        design: Design = {}
        on: list[bool] = []
        try:
            for index, (name, values, _, parent, enabled) in zip(row, self._rows, strict=True):
                active = parent < 0 or (on[parent] and enabled[row[parent]])
                on.append(active)
                if active:
                    if index < 0:
                        raise IndexError
                    design[name] = values[index]
        except (IndexError, TypeError):
            raise self._bad_vector(row) from None
        return design

    def _bad_vector(self, row: object) -> InvalidDesignError:
        return InvalidDesignError(
            f"Index vector {row} is outside the space. Give {len(self)} integers, "
            f"each from 0 to below {self.nvec.tolist()}."
        )

    def encode(self, design: Mapping[str, Any]) -> Indices:
        """Return the canonical index vector of ``design``, int64 of shape (parameters,).

        Raises:
            InvalidDesignError: a name is unknown, missing or inactive, or a value not allowed.
        """
        return np.array(self._row(design), dtype=np.int64)

    def _row(self, design: Mapping[str, Any]) -> list[int]:
        row: list[int] = []
        on: list[bool] = []
        used = 0
        for name, _, index_of, parent, enabled in self._rows:
            active = parent < 0 or (on[parent] and enabled[row[parent]])
            on.append(active)
            if active and name in design:
                value = design[name]
                try:
                    row.append(index_of[type(value), value])
                except (KeyError, TypeError):  # TypeError: unhashable
                    row.append(self[name].index(value))
                used += 1
            elif active:
                raise InvalidDesignError(self._missing(name, design))
            else:
                row.append(0)
        if used != len(design):
            raise InvalidDesignError(self._surplus(design, on))
        return row

    def _missing(self, name: str, design: Mapping[str, Any]) -> str:
        unknown = [given for given in design if given not in self._position]
        hint = f" The unknown name {unknown[0]!r} was given." if unknown else ""
        return f"The design lacks {name}.{hint} Allowed values: {self[name].allowed}."

    def _surplus(self, design: Mapping[str, Any], on: Sequence[bool]) -> str:
        for name in design:
            if name not in self._position:
                return (
                    f"Unknown parameter {name!r}.{did_you_mean(name, self.names)} "
                    f"Known: {', '.join(self.names)}."
                )
        name = next(n for n in design if not on[self._position[n]])
        when = self[name].when
        reason = "" if when is None else f" It needs {when.parent} in {list(when.values)}."
        return f"{name} is not active in this design.{reason} Leave it out."

    def validate(self, design: Mapping[str, Any]) -> Design:
        """Return ``design`` in declaration order with the space's own values.

        Checks names and values, not constraints: see `violations`.

        Raises:
            InvalidDesignError: a name is unknown, missing or inactive, or a value not allowed.
        """
        return self._design(self._row(design))

    def parse(self, texts: Mapping[str, str]) -> Design:
        """Return the design that ``texts`` (name to spelled value) describe.

        Raises:
            InvalidDesignError: as `validate`.
        """
        for name in texts:
            if name not in self._position:
                raise InvalidDesignError(self._surplus({name: ""}, ()))
        return self.validate({name: self[name].parse(text) for name, text in texts.items()})

    def active(self, indices: ArrayLike) -> NDArray[np.bool_]:
        """Return which entries of the index vector(s), shape (..., parameters), are active."""
        return self.forest.mask(self._checked(indices))

    def canonical(self, indices: ArrayLike) -> Indices:
        """Return the index vector(s), shape (..., parameters), with inactive entries set to 0."""
        return np.where(self.active(indices), np.asarray(indices, dtype=np.int64), 0)

    def _checked(self, indices: ArrayLike) -> Indices:
        vectors = np.asarray(indices)
        shaped = vectors.ndim >= 1 and vectors.shape[-1] == len(self)
        if not shaped or not np.issubdtype(vectors.dtype, np.integer):
            raise self._bad_vector(vectors.tolist())
        outside = (vectors < 0) | (vectors >= self.nvec)
        if outside.any():
            bad = vectors[outside.any(axis=-1)] if vectors.ndim > 1 else vectors[None]
            raise self._bad_vector(bad.reshape(-1, len(self))[0].tolist())
        return vectors.astype(np.int64, copy=False)

    def key(self, design: Mapping[str, Any]) -> tuple[int, ...]:
        """Return a hashable identity of ``design``: its canonical indices."""
        return tuple(self._row(design))

    # ---------------------------------------------------------------- constraints

    def violations(self, design: Mapping[str, Any]) -> dict[str, float]:
        """Return every constraint's value for ``design``; <= 0 is feasible."""
        as_dict = dict(design)
        return {c.name: float(c.function(as_dict)) for c in self.constraints}

    def is_legal(self, design: Mapping[str, Any]) -> bool:
        """Return whether no constraint is violated; NaN counts as a violation."""
        as_dict = dict(design)
        return all(c.function(as_dict) <= 0 for c in self.constraints)

    def require_legal(self, design: Mapping[str, Any]) -> None:
        """Raise InfeasibleDesignError if a constraint is violated."""
        violations = self.violations(design)
        for constraint in self.constraints:
            if not violations[constraint.name] <= 0:
                raise InfeasibleDesignError(
                    f"Constraint {constraint.name} is violated by "
                    f"{violations[constraint.name]:g}: {constraint.description}",
                    violations,
                )

    # ---------------------------------------------------------------- size and enumeration

    @property
    def size(self) -> int:
        """Number of distinct legal designs; an upper bound if not `size_is_exact`."""
        return self._count[0]

    @property
    def size_is_exact(self) -> bool:
        """Whether `size` accounts for every constraint."""
        return self._count[1]

    @cached_property
    def _count(self) -> tuple[int, bool]:
        return count_legal(self.parameters, self.forest, self.constraints)

    def enumerate(self) -> Iterator[Design]:
        """Yield every legal design once, in the order of their canonical index vectors."""
        for row in self.forest.assignments(range(len(self))):
            design = design_of(self.parameters, row)
            if self.is_legal(design):
                yield design

    # ---------------------------------------------------------------- sampling and neighbours

    def sample(self, rng: np.random.Generator) -> Design:
        """Return one legal design, uniform over index vectors that decode to a legal design."""
        return self.decode(self.sample_indices(rng, 1)[0])

    def sample_indices(self, rng: np.random.Generator, n: int) -> Indices:
        """Return ``n`` canonical index vectors of legal designs, int64 of shape (n, parameters).

        Raises:
            InfeasibleDesignError: no legal design in 100,000 draws in a row.
        """
        kept: list[Indices] = []
        missing, rejected = n, 0
        while missing > 0:
            drawn = self.canonical(rng.integers(0, self.nvec, size=(missing, len(self))))
            if self.constraints:
                drawn = drawn[[self.is_legal(self.decode(row)) for row in drawn]]
            rejected = 0 if len(drawn) else rejected + missing
            if rejected > MAX_REJECTIONS:
                raise InfeasibleDesignError(
                    f"No legal design in {rejected} random draws. Loosen the constraints "
                    f"{', '.join(c.name for c in self.constraints)}."
                )
            kept.append(drawn)
            missing -= len(drawn)
        return np.concatenate(kept) if kept else np.empty((0, len(self)), dtype=np.int64)

    def neighbours(self, design: Mapping[str, Any]) -> list[Design]:
        """Return the legal designs that differ from ``design`` in one choice.

        An ordered parameter moves one step, a categorical one to any other value, a permutation
        swaps two items, a vector moves one number. Parameters that the move switches on start at
        index 0, those that it switches off disappear.
        """
        base = self.encode(design)
        found = []
        for i in np.flatnonzero(self.active(base)):
            for index in self.parameters[i].moves(int(base[i])):
                row = base.copy()
                row[i] = index
                neighbour = self.decode(row)
                if self.is_legal(neighbour):
                    found.append(neighbour)
        return found

    # ---------------------------------------------------------------- other representations

    def to_unit(self, design: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return ``design`` as a point of the unit cube: the centre of each index's bin."""
        return self.unit_from_indices(self.encode(design))

    def from_unit(self, point: ArrayLike) -> Design:
        """Return the design whose bins contain ``point``, an array of shape (parameters,)."""
        return self.decode(self.indices_from_unit(point))

    def unit_from_indices(self, indices: ArrayLike) -> NDArray[np.float64]:
        """Return canonical index vectors, shape (..., parameters), as points of the unit cube."""
        return (self.canonical(indices) + 0.5) / self.nvec

    def indices_from_unit(self, points: ArrayLike) -> Indices:
        """Return the canonical index vectors of points of the unit cube; outside is clipped."""
        array = np.asarray(points, dtype=np.float64)
        if array.ndim < 1 or array.shape[-1] != len(self) or np.isnan(array).any():
            raise InvalidDesignError(
                f"A point of shape {array.shape} is not in the unit cube of this space. "
                f"Give {len(self)} numbers from 0 to 1, none of them NaN."
            )
        bins = np.floor(np.clip(array, 0.0, 1.0) * self.nvec).astype(np.int64)
        return self.canonical(np.minimum(bins, self.nvec - 1))

    def multi_discrete(self) -> spaces.MultiDiscrete:
        """Return the Gymnasium space of index vectors."""
        return _interop.multi_discrete(self)

    def dict_space(self) -> spaces.Dict:
        """Return the Gymnasium space of one `Discrete` index per parameter name."""
        return _interop.dict_space(self)

    def optuna_distributions(self) -> "dict[str, BaseDistribution]":
        """Return Optuna distributions: indices of ordered parameters, choices of the others.

        Indices give Optuna's samplers the even spacing of the grid. `from_optuna` converts back.
        """
        return _interop.optuna_distributions(self)

    def from_optuna(self, params: Mapping[str, Any]) -> Design:
        """Return the design of an Optuna trial's ``params``; inactive ones may be missing."""
        return _interop.from_optuna(self, params)

    def to_optuna(self, design: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``design`` as an Optuna trial's parameters, the inverse of `from_optuna`."""
        return _interop.to_optuna(self, design)

    def suggest(self, trial: "BaseTrial") -> Design:
        """Ask an Optuna ``trial`` for the active parameters only, in declaration order.

        The design may violate a constraint: see `is_legal`.
        """
        return _interop.suggest(self, trial)

    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON-compatible data; constraints by name and description."""
        return {
            "parameters": [p.definition() for p in self.parameters],
            "constraints": [
                {"name": c.name, "description": c.description, "parameters": list(c.parameters)}
                for c in self.constraints
            ],
        }

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that differ when the definition differs."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
