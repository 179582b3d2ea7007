"""What a table of trials says: best-so-far curves, Pareto fronts, summaries by agent, importance.

Every function takes the data frame of :func:`archgym.load_trials` (one row a trial, columns
``agent``, ``seed``, ``index``, ``reward``, ``feasible``, ``cached``, ``design.*``, ``metric.*``)
and changes nothing in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archgym.pareto import pareto_mask

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DESIGN = "design."
METRIC = "metric."
RUN_KEYS = ("run", "problem", "workload", "config_hash", "agent", "seed")
"""Columns that tell one run from another; those that a table does not have are ignored."""


def design_columns(trials: "pd.DataFrame") -> list[str]:
    """Return the names of the ``design.*`` columns, in their order."""
    return [name for name in trials.columns if name.startswith(DESIGN)]


def metric_columns(trials: "pd.DataFrame") -> list[str]:
    """Return the names of the ``metric.*`` columns, in their order."""
    return [name for name in trials.columns if name.startswith(METRIC)]


def run_keys(trials: "pd.DataFrame") -> list[str]:
    """Return those of :data:`RUN_KEYS` that the table has."""
    return [name for name in RUN_KEYS if name in trials.columns]


def simulated(trials: "pd.DataFrame") -> "pd.DataFrame":
    """Return the trials that cost an evaluation (repeats answered from the cache left out).

    Two columns are added: ``evaluation``, the trial's number in its run counted in simulator calls
    (1 is the first), and ``best_reward``, the best feasible reward of the run up to it (NaN before
    the first feasible one).
    """
    paid = trials[~trials["cached"].astype(bool)].sort_values([*run_keys(trials), "index"])
    feasible_reward = paid["reward"].where(paid["feasible"].astype(bool))
    runs = [paid[name] for name in run_keys(trials)]
    return paid.assign(
        evaluation=paid.groupby(runs, sort=False, dropna=False).cumcount() + 1,
        best_reward=feasible_reward.groupby(runs, sort=False, dropna=False).transform(
            lambda rewards: rewards.cummax().ffill()
        ),
    )


def best_trial(trials: "pd.DataFrame") -> "pd.Series | None":
    """Return the feasible trial with the highest reward (the first of equals), or None."""
    feasible = trials[trials["feasible"].astype(bool) & np.isfinite(trials["reward"])]
    return None if feasible.empty else feasible.loc[feasible["reward"].idxmax()]


def convergence(trials: "pd.DataFrame", points: int = 200) -> "pd.DataFrame":
    """Return the best reward so far by evaluation: quartiles over the runs of each agent.

    Args:
        trials: Trials of one problem and objective.
        points: At most this many evaluation counts, spaced evenly on a logarithmic axis.

    Returns:
        Columns ``agent, evaluation, q25, median, q75, runs``. A run that ended early keeps its
        last value; a run with no feasible trial yet does not enter the quartiles.
    """
    import pandas as pd

    paid = simulated(trials)
    if paid.empty:
        columns = ["agent", "evaluation", "q25", "median", "q75", "runs"]
        return pd.DataFrame(columns=columns)
    last = int(paid["evaluation"].max())
    grid = np.unique(np.geomspace(1, last, num=min(points, last)).round().astype(np.int64))
    keys = run_keys(paid)
    curves = (
        paid.pivot_table(index="evaluation", columns=keys, values="best_reward", sort=False)
        .sort_index()
        .reindex(np.arange(1, last + 1))
        .ffill()
        .loc[grid]
    )
    agents = curves.columns.get_level_values("agent") if len(keys) > 1 else curves.columns
    frames = []
    for agent in pd.unique(paid["agent"]):
        mine = curves.loc[:, agents == agent]
        if mine.empty:
            continue
        quartiles = mine.quantile([0.25, 0.5, 0.75], axis=1).T
        quartiles.columns = pd.Index(["q25", "median", "q75"])
        frames.append(quartiles.assign(agent=agent, evaluation=grid, runs=mine.notna().sum(axis=1)))
    table = pd.concat(frames, ignore_index=True).dropna(subset="median")
    return table[["agent", "evaluation", "q25", "median", "q75", "runs"]]


def evaluations_to_target(trials: "pd.DataFrame", target: float) -> "pd.Series":
    """Return, for each run, the first evaluation whose best reward so far reaches ``target``.

    The result is indexed by the run keys; NaN where a run never reaches the target.
    """
    paid = simulated(trials)
    keys = run_keys(paid)
    reached = paid.loc[paid["best_reward"] >= target].groupby(keys, dropna=False)["evaluation"]
    every_run = paid.groupby(keys, dropna=False)["evaluation"].size().index
    return reached.min().reindex(every_run).astype(float)


def summarize_agents(
    trials: "pd.DataFrame", metrics: Sequence[str] = (), *, default_reward: float = 0.0
) -> "pd.DataFrame":
    """Return one row for each agent, best first.

    Args:
        trials: Trials of one problem and objective.
        metrics: Names of the metrics of each agent's best design to add as columns.
        default_reward: Reward of the default design (0 for the log-ratio objectives).

    Returns:
        Columns ``agent, runs, best_mean, best_std, best, to_95, evaluations, cached, failed,
        infeasible`` and the metrics of the agent's best design. ``best_mean`` and ``best_std``
        (sample standard deviation) are over the best rewards of the runs. ``to_95`` is the median
        over the runs of the first evaluation whose best reward so far is at least
        ``default_reward + 0.95 * (best of all agents - default_reward)``, infinite if half the
        runs or more never get there, or if no design beats the default one.
    """
    import pandas as pd

    best = best_trial(trials)
    overall = float("nan") if best is None else float(best["reward"])
    gain = overall - default_reward
    target = default_reward + 0.95 * gain if gain > 0 else np.inf
    to_95 = evaluations_to_target(trials, target).fillna(np.inf)
    rows = []
    for agent, mine in trials.groupby("agent", sort=False):
        champion = best_trial(mine)
        of_runs = simulated(mine).groupby(run_keys(mine), dropna=False)["best_reward"].max()
        cached = mine["cached"].astype(bool)
        failed = mine["error"].notna() & ~cached
        infeasible = ~mine["feasible"].astype(bool) & ~failed & ~cached
        agents = to_95.index.get_level_values("agent") if to_95.index.nlevels > 1 else to_95.index
        rows.append(
            {
                "agent": agent,
                "runs": len(of_runs),
                "best_mean": of_runs.mean(),
                "best_std": of_runs.std(ddof=1) if len(of_runs) > 1 else float("nan"),
                "best": of_runs.max(),
                "to_95": float(to_95[agents == agent].median()) if len(to_95) else np.inf,
                "evaluations": int((~cached).sum()),
                "cached": int(cached.sum()),
                "failed": int(failed.sum()),
                "infeasible": int(infeasible.sum()),
                **{
                    name: float("nan") if champion is None else champion.get(METRIC + name)
                    for name in metrics
                },
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(["best_mean", "best"], ascending=False, ignore_index=True)


def pareto_front(values: Floats, directions: Sequence[str]) -> Bools:
    """Return which rows of ``values`` no other row dominates (equal rows do not dominate).

    Args:
        values: float64 (designs, metrics), finite.
        directions: ``"min"`` or ``"max"`` for each metric.
    """
    signs = np.array([-1.0 if direction == "min" else 1.0 for direction in directions])
    return pareto_mask(np.asarray(values, dtype=np.float64) * signs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much each design parameter matters to the reward."""

    shares: Mapping[str, float]
    """Parameter -> share of the variance of the reward that it has a part in, alone or together
    with others, largest first (0: no influence found). They may add up to more than 1."""
    r_squared: float
    """Share of the variance of held-out designs that the model explains; below about 0.3 the
    shares mean little."""
    designs: int
    """Number of distinct feasible designs used."""


def parameter_importance(
    trials: "pd.DataFrame", *, seed: int = 0, limit: int = 900, shuffles: int = 3
) -> Importance | None:
    """Estimate parameter importance by permutation on held-out designs.

    A kernel ridge regression of the reward is fitted to two thirds of the distinct feasible designs
    with the ANOVA product kernel ``prod_j (1 + t s_j) / (1 + t)``, where ``s_j`` is 1 for equal
    values of parameter j, and for numeric ones ``1 - |difference of ranks|``: main effects and
    interactions, no tree or feature engineering. ``t`` and the ridge minimise the leave-one-out
    error (Rasmussen & Williams 2006, eq. 5.12). The importance of a parameter is the growth of the
    squared error on the other third when its column is shuffled (Breiman 2001, section 10),
    divided by twice the variance there: for independent columns that is the total-effect Sobol
    index (Jansen 1999). In contrast to group means, a parameter that merely travels with a good one
    in the designs of an optimiser gets no credit.

    Returns:
        None if fewer than 30 distinct designs are feasible or all rewards are equal.
    """
    feasible = trials[trials["feasible"].astype(bool) & np.isfinite(trials["reward"])]
    columns = design_columns(trials)
    unique = feasible.drop_duplicates(subset=columns)
    varied = [name for name in columns if unique[name].nunique(dropna=False) > 1]
    if len(unique) < 30 or not varied or np.ptp(unique["reward"].to_numpy(float)) == 0:
        return None
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(unique))[:limit]
    codes = [_codes(unique[name]) for name in varied]
    reward = unique["reward"].to_numpy(dtype=np.float64)
    train, test = np.split(chosen, [2 * len(chosen) // 3])
    model = _fit(codes, reward, train)
    error = reward[test] - model.predict([code[test] for code in codes])
    variance = float(np.mean((reward[test] - reward[train].mean()) ** 2)) or 1.0
    shares = dict.fromkeys([name.removeprefix(DESIGN) for name in columns], 0.0)
    for j, name in enumerate(varied):
        growth = 0.0
        for _ in range(shuffles):
            shuffled = [code[test] for code in codes]
            shuffled[j] = shuffled[j][rng.permutation(len(test))]
            growth += float(np.mean((reward[test] - model.predict(shuffled)) ** 2 - error**2))
        shares[name.removeprefix(DESIGN)] = max(0.0, growth / shuffles / (2.0 * variance))
    ranked = dict(sorted(shares.items(), key=lambda item: -item[1]))
    r_squared = 1.0 - float(np.mean(error**2)) / variance
    return Importance(shares=ranked, r_squared=r_squared, designs=len(chosen))


@dataclass(frozen=True, slots=True)
class _Codes:
    """One parameter's column: ranks scaled to [0, 1] if ordered, else integer codes."""

    values: Floats
    ordered: bool

    def __getitem__(self, rows: NDArray[np.int64]) -> "_Codes":
        return _Codes(self.values[rows], self.ordered)

    def similarity(self, other: "_Codes") -> Floats:
        """Return s_j in [0, 1]; inactive (NaN) is one more value, equal only to itself."""
        a, b = self.values[:, None], other.values[None, :]
        if not self.ordered:
            return np.asarray(a == b, dtype=np.float64)
        alike: Floats = 1.0 - np.abs(a - b)
        inactive = np.isnan(alike)
        alike[inactive] = (np.isnan(a) & np.isnan(b))[inactive]
        return alike


def _codes(column: "pd.Series") -> _Codes:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        ranks = column.astype(float).rank(method="dense").to_numpy(dtype=np.float64) - 1
        return _Codes(ranks / max(np.nanmax(ranks, initial=0.0), 1.0), ordered=True)
    return _Codes(pd.factorize(column)[0].astype(np.float64), ordered=False)


@dataclass(frozen=True, slots=True)
class _KernelRidge:
    codes: list[_Codes]
    weights: Floats
    mean: float
    scale: float

    def predict(self, codes: list[_Codes]) -> Floats:
        return self.mean + _kernel(codes, self.codes, self.scale) @ self.weights


def _kernel(left: list[_Codes], right: list[_Codes], scale: float) -> Floats:
    product = np.ones((len(left[0].values), len(right[0].values)))
    for a, b in zip(left, right, strict=True):
        product *= (1.0 + scale * a.similarity(b)) / (1.0 + scale)
    return product


def _fit(codes: list[_Codes], reward: Floats, train: NDArray[np.int64]) -> _KernelRidge:
    inputs = [code[train] for code in codes]
    mean = float(reward[train].mean())
    centred = reward[train] - mean
    candidates = []
    for scale in (0.3, 1.0, 3.0):
        kernel = _kernel(inputs, inputs, scale)
        for ridge in (1e-3, 1e-2, 1e-1):
            inverse = np.linalg.inv(kernel + ridge * np.eye(len(train)))
            weights = inverse @ centred
            left_out_error = float(np.mean((weights / np.diag(inverse)) ** 2))
            candidates.append((left_out_error, scale, weights))
    _, scale, weights = min(candidates, key=lambda candidate: candidate[0])
    return _KernelRidge(inputs, weights, mean, scale)
