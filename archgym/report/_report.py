"""One self-contained HTML page about a search: what was found, by whom, how fast, and why."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from archgym import plots
from archgym._text import change, number, quantity
from archgym.errors import RecordError
from archgym.report._charts import charts, tradeoff
from archgym.report._convergence import improvement
from archgym.report._page import Markup, element, facts, figure, page, table, tiles
from archgym.report._sections import Section, load_sections
from archgym.report._sweep import build_sweep_report
from archgym.stats import (
    design_columns,
    parameter_importance,
    simulated,
    summarize_agents,
)
from archgym.sweep import Sweep, is_sweep

TOP_DESIGNS = 30
"""Designs drawn in the parallel coordinates."""


def write_report(path: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of a recorded run, of every run below a folder, or of a sweep.

    Args:
        path: A run folder, a folder of run folders at any depth, one Parquet file of a run, or the
            folder of a sweep.
        out: The file to write, or a folder to write ``report.html`` into; by default the folder of
            the runs, or the one that the Parquet file is in.

    Returns:
        The file written.

    Raises:
        RecordError: nothing is recorded there, a file is damaged, or the report cannot be written.
    """
    source = Path(path)
    folder = source.parent if source.is_file() else source
    target = folder if out is None else Path(out)
    if out is None or target.is_dir():
        target /= "report.html"
    html = _html(source)
    draft = target.with_name(f".{target.name}.tmp")
    try:
        draft.write_text(html, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RecordError(
            f"Cannot write the report '{target}': {error.strerror or error}. "
            "Choose another file with --out, or free space and fix the permissions."
        ) from error
    return target


def _html(source: Path) -> str:
    if is_sweep(source):
        return build_sweep_report(Sweep.load(source))
    return build_report(load_sections(source))


def build_report(sections: Sequence[Section]) -> str:
    """Return the page about ``sections`` as HTML."""
    several = len(sections) > 1
    body: list[str] = []
    for position, section in enumerate(sections, start=1):
        body.extend(_section(section, f"s{position}", "h2" if several else "h1"))
    if several:
        links = [
            element(
                "li",
                element("a", _title(section), href=f"#s{position}"),
                f", objective {section.text('objective')}",
            )
            for position, section in enumerate(sections, start=1)
        ]
        heading = element("h1", f"Design-space exploration: {len(sections)} searches")
        body = [heading, element("nav", element("ul", *links)), *body]
    title = "Design-space exploration" if several else _title(sections[0])
    return page(f"{title} - ArchGym report", body)


def _title(section: Section) -> str:
    memory = section.info.get("problem_config", {}).get("memory")
    name = section.text("problem").rpartition("/")[2]
    where = f" on {memory}" if isinstance(memory, str) else ""
    return f"{name}: {section.text('workload')}{where}"


def _section(section: Section, key: str, heading: str) -> list[str]:
    body: list[str] = [element(heading, _title(section), id=key)]
    if section.best is None:
        return [*body, element("p", "No feasible design was found.", class_="note"), *_run(section)]
    body.append(element("p", _subtitle(section), class_="soft"))
    body.append(element("p", _headline(section), class_="lead"))
    if section.note:
        body.append(element("p", section.note, class_="note"))
    body.append(_tiles(section))
    for part in (_agents, improvement, _pareto, tradeoff, _best, charts, _parallel, _importance):
        body.extend(part(section, key))
    return [*body, *_run(section)]


def _subtitle(section: Section) -> str:
    trials = section.trials
    agents, seeds = trials["agent"].nunique(), trials["seed"].nunique()
    budgets = ", ".join(f"{int(budget):,}" for budget in trials["budget"].dropna().unique())
    text = f"{_counted(agents, 'agent')} x {_counted(seeds, 'seed')} x {budgets} evaluations"
    objective = section.text("objective")
    kind = objective.partition(":")[0]
    meaning = "" if kind in ("target", "paper") else ": each point of reward is a factor of two"
    return f"{text}. Objective {objective}{meaning}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _headline(section: Section) -> str:
    best = section.best
    if best is None:
        return ""
    paid = simulated(section.trials)
    text = f"The best of {len(paid):,} evaluated designs was found by {best['agent']}"
    reference = section.reference
    if reference is None:
        return text + "."
    parts = []
    for name in section.headline_metrics:
        axis = section.axis(name)
        difference = change(best[f"metric.{name}"], reference.metrics[name], axis.direction)
        parts.append(f"{plots.metric_label(name, axis.unit).split(' (')[0]} {difference}")
    return f"{text}. Against the default design: {', '.join(parts)}."


def _tiles(section: Section) -> Markup:
    best, reference = section.best, section.reference
    entries = []
    if best is not None:
        remark = "" if reference is None else f"default {number(section.default_reward)}"
        entries.append(("best reward", number(best["reward"]), remark))
        for name in section.headline_metrics:
            axis = section.axis(name)
            value = best[f"metric.{name}"]
            remark = "of the best design"
            if reference is not None:
                remark = f"default {quantity(reference.metrics[name], axis.unit)}"
            label = plots.metric_label(name, axis.unit).split(" (")[0]
            entries.append((label, quantity(value, axis.unit), remark))
    paid = simulated(section.trials)
    runs = section.trials["run"].nunique()
    entries.append(("evaluations", f"{len(paid):,}", f"in {_counted(runs, 'run')}"))
    return tiles(entries)


def _agents(section: Section, key: str) -> list[str]:
    summary = summarize_agents(
        section.trials, section.headline_metrics, default_reward=section.default_reward
    )
    axes = [section.axis(name) for name in section.headline_metrics]
    rows = [
        [
            str(row["agent"]),
            str(row["runs"]),
            _mean_and_spread(row["best_mean"], row["best_std"]),
            number(row["best"]),
            *[quantity(row[axis.name], axis.unit) for axis in axes],
            "-" if row["to_95"] == float("inf") else number(row["to_95"]),
            f"{row['evaluations']:,}",
            f"{row['cached']:,}",
            f"{row['infeasible']:,} / {row['failed']:,}",
        ]
        for _, row in summary.iterrows()
    ]
    headers = ["agent", "seeds", "best reward (mean ± sd)", "best reward"]
    headers += [axis.label.split(" (")[0] for axis in axes]
    headers += ["evaluations to 95 %", "evaluations", "cached", "infeasible / failed"]
    return [
        element("h3", "Agents"),
        element(
            "p",
            "Best first. Mean and standard deviation are over the seeds; latency and the like are "
            "those of the agent's best design. “Evaluations to 95 %” is the median number of "
            "evaluations until a run had 95 % of the best improvement that any agent found; "
            "“-” means that most runs never did. Repeated designs are answered from a "
            "cache and cost nothing.",
            class_="soft",
        ),
        table(headers, rows),
    ]


def _mean_and_spread(mean: float, spread: float) -> str:
    if pd.isna(spread):
        return number(mean)
    # Equal results differ in their mean's last digits only.
    return f"{number(mean)} ± {number(0.0 if spread < 1e-9 * abs(mean) else spread, 2)}"


def _pareto(section: Section, key: str) -> list[str]:
    if len(section.headline_metrics) < 2:
        return []
    x, y = (section.axis(name) for name in section.headline_metrics[:2])
    best = {} if section.best is None else section.metrics(section.best)
    drawn = plots.pareto_figure(
        section.trials,
        x,
        y,
        default=None if section.reference is None else section.reference.metrics,
        best=best,
    )
    text = (
        "Every feasible design that was tried is a faint point. The black line joins the designs "
        "that no other beats in both metrics at once: the choice along it is a matter of taste, "
        "off it one gives something away. Designs far from the front lie outside the picture; "
        "double-click it to see all."
    )
    return [element("h3", "The trade-off"), figure(f"{key}-pareto", drawn, text)]


def _best(section: Section, key: str) -> list[str]:
    if section.best is None:
        return []
    best = section.design(section.best)
    default = {} if section.problem is None else section.problem.default_design
    names = [name.removeprefix("design.") for name in design_columns(section.trials)]
    rows = [
        [name, _value(default.get(name)), _value(best.get(name))]
        for name in names
        if name in best or name in default
    ]
    changed = [i for i, row in enumerate(rows) if row[1] != row[2]] if default else []
    text = "The parameters of the design with the highest reward"
    text += ", changed ones marked" if default else ""
    body: list[str] = [
        element("h3", "The best design against the default one"),
        element("p", f"{text}; “-” is a parameter that has no effect there.", class_="soft"),
        table(["parameter", "default", "best"], rows, marked=changed),
        _metric_table(section),
    ]
    return [*body, *_breakdown(section, key)]


def _metric_table(section: Section) -> Markup:
    best = {} if section.best is None else section.metrics(section.best)
    reference = {} if section.reference is None else section.reference.metrics
    rows = []
    for name in section.metric_names:
        axis = section.axis(name)
        old, new = reference.get(name), best.get(name)
        difference = "-"
        if old is not None and new is not None:
            difference = change(new, old, axis.direction)
        label = axis.label.split(" (")[0]
        rows.append([label, quantity(old, axis.unit), quantity(new, axis.unit), difference])
    return table(["metric", "default", "best", "change"], rows)


def _breakdown(section: Section, key: str) -> list[str]:
    """Return where time and energy go in both designs, simulated again for this page."""
    if section.problem is None or section.best is None:
        return []
    default = section.problem.breakdown(section.problem.default_design)
    best = section.problem.breakdown(section.design(section.best))
    drawn = [
        element(
            "div",
            figure(
                f"{key}-breakdown-{i}",
                plots.comparison_figure(default.get(label, {}), best.get(label, {}), label=label),
            ),
        )
        for i, label in enumerate(dict.fromkeys([*default, *best]))
    ]
    if not drawn:
        return []
    text = "Where the cost comes from, simulated again for this page: default (hatched) and best."
    return [
        element("h3", "Cost breakdown"),
        element("p", text, class_="soft"),
        element("div", *drawn, class_="pair"),
    ]


def _parallel(section: Section, key: str) -> list[str]:
    feasible = section.trials[section.trials["feasible"].astype(bool)]
    columns = design_columns(section.trials)
    top = feasible.sort_values("reward", ascending=False, kind="stable")
    top = top.drop_duplicates(subset=columns).head(TOP_DESIGNS)
    problem = section.problem
    values: dict[str, Sequence[plots.Value]] = {
        name.removeprefix("design."): (
            sorted(section.trials[name].dropna().unique(), key=str)
            if problem is None
            else problem.space[name.removeprefix("design.")].values
        )
        for name in columns
    }
    drawn = plots.parallel_figure(
        top, values, default=None if problem is None else problem.default_design
    )
    text = (
        f"Each line is one of the {len(top)} best designs. Where the lines meet in one value, that "
        "value matters or the search settled there; where they fan out, the choice hardly matters. "
        "A gap is a parameter that has no effect in that design."
    )
    return [
        element("h3", "What the best designs have in common"),
        figure(f"{key}-parallel", drawn, text),
    ]


def _importance(section: Section, key: str) -> list[str]:
    heading = element("h3", "Which parameters matter")
    importance = parameter_importance(section.trials)
    if importance is None:
        text = "Too few distinct feasible designs to tell which parameters matter."
        return [heading, element("p", text, class_="soft")]
    text = (
        "How much of the difference in reward between designs a parameter has a part in, alone or "
        "together with others: a kernel model is fitted to two thirds of "
        f"{importance.designs:,} designs, then each parameter is shuffled in the rest. The model "
        f"explains {100 * max(0.0, importance.r_squared):.0f} % of the differences it had not seen"
    )
    weak = importance.r_squared < 0.3
    text += ": too little to trust the bars." if weak else "."
    return [
        heading,
        figure(f"{key}-importance", plots.importance_figure(importance), text),
    ]


def _run(section: Section) -> list[str]:
    info = section.info
    trials = section.trials
    entries = [
        ("problem", section.text("problem")),
        ("workload", section.text("workload")),
        *_config_facts(info.get("problem_config", {})),
        ("objective", section.text("objective")),
        ("agents", ", ".join(map(str, trials["agent"].unique()))),
        ("seeds", ", ".join(map(str, sorted(trials["seed"].dropna().unique())))),
        (
            "budget of each run",
            ", ".join(f"{int(b):,}" for b in trials["budget"].dropna().unique()),
        ),
        ("archgym", section.text("version")),
        ("problem fingerprint", str(info.get("fingerprint", "-"))),
        ("configuration hashes", ", ".join(map(str, trials["config_hash"].unique()))),
        ("recorded", str(info.get("created", "-"))),
    ]
    if section.problem is not None:
        entries.insert(2, ("design space", f"{section.problem.space.size:,} designs"))
    unfinished = [run for run, i in section.infos.items() if i.get("status") != "complete"]
    body: list[str] = [element("h3", "What was run, and how to run it again"), facts(entries)]
    if unfinished:
        text = f"{len(unfinished)} of {len(section.infos)} runs are not complete: "
        body.append(element("p", text + ", ".join(unfinished) + ".", class_="note"))
    commands = dict.fromkeys(
        _command(i["command"]) for i in section.infos.values() if "command" in i
    )
    if commands:
        body.append(element("p", "The command that made it; seeds make it repeatable bit for bit:"))
        body.append(element("pre", "\n".join(commands)))
    body.append(element("p", "Check any recorded number by simulating it again:"))
    body.append(element("pre", "archgym replay FOLDER --trial best"))
    return body


def _config_facts(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = ("memory", "space", "requests", "compatibility")
    return [
        (name, "custom, see run.json" if isinstance(config[name], dict) else str(config[name]))
        for name in shown
        if config.get(name) is not None
    ]


def _command(command: object) -> str:
    if not isinstance(command, list) or not command:
        return str(command)
    return shlex.join([Path(str(command[0])).name, *map(str, command[1:])])


def _value(value: object) -> str:
    return "-" if value is None else str(value)
