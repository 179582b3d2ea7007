"""``archgym proxy``: learn to predict metrics, say how well, predict."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from archgym._cli._problem import design_from, parse_assignments, typed
from archgym._text import number, quantity, unit_of
from archgym.errors import InvalidConfigError
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    from archgym.proxy import Examples, Proxy

TIMED_DESIGNS = 20_000


@dataclass(frozen=True, kw_only=True)
class ProxyTrain:
    """Train a model on one part of the designs of a data set, and score it on the others."""

    data: Annotated[Positional[Path], arg(metavar="FILE.parquet")]
    """A data set, see `archgym dataset merge`."""
    out: Path
    """Folder to write the proxy to."""
    model: str = "extra_trees"
    """extra_trees, random_forest, boosted_trees, mlp or gaussian_process."""
    targets: Annotated[tuple[str, ...], arg(metavar="METRIC...")] = ()
    """Metrics to predict; by default all."""
    only: str | None = None
    """Workload, or fingerprint, of the problem to learn, if the data set holds several."""
    split: str = "design"
    """Test on other designs (design), on designs with metrics that were not seen (outcome), or on
    what only other agents asked for (agent)."""
    test_share: float = 0.2
    """Share of the designs, or outcomes, to test on."""
    train_agents: Annotated[tuple[str, ...], arg(metavar="AGENT...")] = ()
    """Agents to learn from, for --split agent."""
    hyperparameter: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE...")] = ()
    """Hyperparameters that differ from the model's defaults, e.g. trees=32."""
    seed: int = 0
    """Seed of all randomness."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Train, save and show the scores."""
        from archgym.dataset import DataSet
        from archgym.proxy import train_proxy

        if self.seed < 0:
            raise InvalidConfigError(f"--seed {self.seed} is not allowed. Use at least 0.")
        dataset = DataSet.load(self.data).only(self.only)
        assigned = parse_assignments(self.hyperparameter, "--hyperparameter")
        started = time.monotonic()
        proxy = train_proxy(
            dataset,
            self.model,
            self.targets or None,
            split=self.split,
            test_share=self.test_share,
            train_agents=self.train_agents,
            hyperparameters={name: typed(text) for name, text in assigned.items()},
            seed=self.seed,
        )
        trained_s = time.monotonic() - started
        proxy.save(self.out)
        info = proxy.info
        output.show(
            f"{info['model']} on {info['designs']['learnt']:,} designs, intervals from "
            f"{info['designs']['calibrated']:,}, tested on {info['split']['test_designs']:,} "
            f"others (split by {self.split}), {number(trained_s, 3)} s\n",
            _scores(info["scores"], info["level"]),
            f"\nWrote {self.out}\n\nNext:\n  archgym search {info['problem']} ... --evaluator "
            f"{self.out} --verify 10\n      search on the proxy, simulate the best ten designs",
        )
        output.result({"out": str(self.out), "train_s": trained_s, **info})
        return 0


@dataclass(frozen=True, kw_only=True)
class ProxyEvaluate:
    """Score a proxy on the designs of a data set that it has not learnt from, and time it."""

    proxy: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """The proxy."""
    data: Annotated[Positional[Path], arg(metavar="FILE.parquet")]
    """A data set of the same problem."""
    only: str | None = None
    """Workload, or fingerprint, of the problem, if the data set holds several."""
    figures: Annotated[Path | None, arg(metavar="FILE.html")] = None
    """Also draw predicted against simulated metrics on this page."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Predict, compare and write."""
        from archgym.dataset import DataSet
        from archgym.proxy import Examples, Proxy

        proxy = Proxy.load(self.proxy)
        dataset = DataSet.load(self.data).only(self.only)
        if dataset.problems[0]["fingerprint"] != proxy.info["fingerprint"]:
            raise InvalidConfigError(
                f"'{self.data}' is of {dataset.metadata['problem']} on "
                f"{dataset.problems[0]['workload']} ({dataset.problems[0]['fingerprint']}), the "
                f"proxy of {proxy.info['problem']} on {proxy.info['workload']} "
                f"({proxy.info['fingerprint']}). Give data of the same problem."
            )
        examples = Examples.of(dataset, proxy.names)
        rows = proxy.unseen(examples)
        rows = rows[examples.measured[rows]]
        if not len(rows):
            raise InvalidConfigError(
                f"The proxy has learnt from every design of '{self.data}'. Give other designs."
            )
        scores, design_us = proxy.score(examples, rows), _timed(proxy)
        output.show(
            f"{len(rows):,} designs that the proxy has not learnt from, "
            f"{number(design_us, 3)} µs per design in batches\n",
            _scores(scores, proxy.info["level"]),
        )
        if self.figures is not None:
            self.figures.write_text(_page(proxy, examples, rows), encoding="utf-8")
            output.show(f"\nWrote {self.figures}")
        output.result({"designs": len(rows), "us_per_design": design_us, "scores": scores})
        return 0


@dataclass(frozen=True, kw_only=True)
class ProxyPredict:
    """Predict the metrics of one design, with their 90 % intervals."""

    proxy: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """The proxy."""
    design: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE...")] = ()
    """What differs from the default design."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Predict."""
        from archgym.envs import make_problem
        from archgym.proxy import Proxy

        proxy = Proxy.load(self.proxy)
        problem = make_problem(proxy.info["problem"], **proxy.info["config"])
        design = design_from(problem, self.design)
        found = proxy.predict(proxy.space.encode(design)[None])
        feasible = bool(found.feasible[0]) and problem.space.is_legal(design)
        rows, metrics = [], {}
        for i, name in enumerate(found.targets):
            values = [float(part[0, i]) for part in (found.mean, found.lower, found.upper)]
            unit = problem.metrics[name].unit
            rows.append([name, *[quantity(value, unit, 5) for value in values]])
            metrics[name] = dict(zip(("mean", "lower", "upper"), values, strict=True))
        output.show(grid(["metric", ">predicted", ">from", ">to (90 %)"], rows))
        if not feasible:
            output.show("\nThe design is expected to be infeasible.")
        output.result({"design": design, "feasible": feasible, "metrics": metrics})
        return 0


def _scores(scores: Mapping[str, Mapping[str, Any]], level: float) -> Any:
    rows = [
        [
            name,
            quantity(row["rmse"], unit_of(name)),
            number(row["rmse_percent"], 3),
            "-" if row["spearman"] is None else f"{row['spearman']:.5f}",
            f"{100 * row['coverage']:.1f}",
            f"{100 * row['agreed']:.1f}",
            f"{100 * row['coverage_rest']:.1f}",
            number(row["width_percent"], 3),
        ]
        for name, row in scores.items()
    ]
    cover = f"{100 * level:.0f} % intervals cover %"
    headers = ["metric", ">RMSE", ">% of mean", ">Spearman", f">{cover}", ">all trees agree %"]
    return grid([*headers, ">others covered %", ">their width %"], rows)


def _page(proxy: "Proxy", examples: "Examples", rows: Any) -> str:
    """Return a page with a figure per metric."""
    from archgym.plots import Axis, prediction_figure
    from archgym.report._page import element, figure, page

    info = proxy.info
    title = f"{info['model']}: {info['problem']} on {info['workload']}"
    cover = f"Bars are {100 * info['level']:.0f} % intervals."
    remark = f"{len(rows):,} designs that the proxy has not learnt from. {cover}"
    found = proxy.predict(examples.vectors[rows])
    figures = []
    for i, name in enumerate(found.targets):
        axis = Axis(name=name, unit=unit_of(name))
        interval = (found.lower[:, i], found.upper[:, i])
        drawn = prediction_figure(
            examples.values[rows, i], found.mean[:, i], axis, interval=interval
        )
        figures += [element("h2", name), figure(f"figure-{name}", drawn)]
    return page(title, [element("h1", title), element("p", remark), *figures])


def _timed(proxy: "Proxy") -> float:
    """Return microseconds per design of batched prediction, the best of three."""
    import numpy as np

    rng = np.random.default_rng(np.random.SeedSequence(0))
    vectors = proxy.space.canonical(
        rng.integers(0, proxy.space.nvec, size=(TIMED_DESIGNS, len(proxy.space)))
    )
    if proxy.info["model"] == "gaussian_process":
        vectors = vectors[: TIMED_DESIGNS // 20]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        proxy.predict(vectors)
        times.append(time.perf_counter() - started)
    return 1e6 * min(times) / len(vectors)
