"""The page and the figure of the study, from its CSV files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from archgym.dataset._card import markdown

Row = Mapping[str, str]

SHORT = {
    "energy_pj": "energy",
    "power_mw": "power",
    "latency_mean_ns": "latency",
    "time_ns": "time",
}


def write_page(folder: Path) -> Path:
    """Write ``README.md`` and ``rmse.svg`` from the CSV files of a folder; return the page."""
    tables = {
        name: _read(folder / f"{name}.csv")
        for name in ("models", "splits", "size", "agents", "search")
    }
    draw(tables["size"], folder / "rmse.svg")
    text = (Path(__file__).with_name("page.md")).read_text(encoding="utf-8")
    parts = {
        "MODELS": _models(tables["models"]),
        "SPLITS": _splits(tables["splits"]),
        "SIZE": _size(tables["size"]),
        "AGENTS": _agents(tables["agents"]),
        "SEARCH": _search(tables["search"]),
    }
    for name, part in parts.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    page = folder / "README.md"
    page.write_text(text, encoding="utf-8")
    return page


def _read(path: Path) -> list[Row]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _figure(text: str, digits: int = 3) -> str:
    if not text:
        return "-"
    value = float(text)
    if abs(value) < 5e-5:
        return "0"
    return f"{value:.{digits}g}" if value < 1000 else f"{value:,.0f}"


def _rmse(row: Row, prefix: str = "") -> list[str]:
    return [_figure(row[f"{prefix}{name}.rmse_percent"]) for name in SHORT]


def _share(row: Row, column: str) -> list[str]:
    return [f"{100 * float(row[f'{name}.{column}']):.1f}" for name in SHORT]


def _models(rows: Sequence[Row]) -> str:
    parts = []
    for problem in dict.fromkeys(row["problem"] for row in rows):
        mine = [row for row in rows if row["problem"] == problem]
        head = mine[0]
        parts.append(
            f"**{problem}**: {int(head['train']):,} designs to learn from, "
            f"{int(head['test']):,} others to test on (Gaussian process: 2,000). Our simulator "
            f"takes {int(head['own_simulator_us']):,} µs of one core per design."
        )
        parts.append(
            markdown(
                [
                    "model",
                    *[f">{name}" for name in SHORT.values()],
                    ">least Spearman",
                    ">90 % intervals cover %",
                    ">trees agree %",
                    ">cover % elsewhere",
                    ">µs/design",
                    ">x DRAMSys",
                    ">x ours",
                    ">fit s",
                ],
                [_model(row) for row in mine],
            )
        )
    return "\n\n".join(parts)


def _model(row: Row) -> list[str]:
    def span(column: str) -> str:
        values = sorted(_share(row, column), key=float)
        return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"

    least = min(float(row[f"{name}.spearman"]) for name in SHORT)
    forest = "trees" in row["model"] or "forest" in row["model"]
    agreeing = forest and row["model"] != "boosted_trees"
    return [
        row["model"],
        *_rmse(row),
        f"{least:.5f}",
        span("coverage"),
        span("agreed") if agreeing else "",
        span("coverage_rest") if agreeing else "",
        _figure(row["us_per_design"]),
        _figure(row["times_dramsys"], 4),
        _figure(row["times_own"], 4),
        row["fit_s"],
    ]


def _splits(rows: Sequence[Row]) -> str:
    return markdown(
        ["split", "model", ">outcomes learnt", ">tested", *[f">{n}" for n in SHORT.values()]],
        [
            [r["split"], r["model"], r["outcomes_train"], r["outcomes_test"], *_rmse(r)]
            for r in rows
        ],
    )


def _medians(rows: Sequence[Row], data: str, column: str) -> dict[int, float]:
    sizes = sorted({int(row["train"]) for row in rows if row["data"] == data})
    return {
        size: median(
            float(row[column]) for row in rows if row["data"] == data and int(row["train"]) == size
        )
        for size in sizes
    }


def _size(rows: Sequence[Row]) -> str:
    sizes = sorted({int(row["train"]) for row in rows})
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        found = _medians(rows, data, "anywhere.latency_mean_ns.rmse_percent")
        energy = _medians(rows, data, "anywhere.energy_pj.rmse_percent")
        lines.append(
            [
                data,
                *[f"{energy[s]:.3g} / {found[s]:.3g}" if s in found else "" for s in sizes],
            ]
        )
    return markdown(["learnt from", *[f">{size:,}" for size in sizes]], lines)


def _agents(rows: Sequence[Row]) -> str:
    agents = list(dict.fromkeys(row["trained_on"] for row in rows))
    cells = {
        (row["trained_on"], row["tested_on"]): _figure(row["energy_pj.rmse_percent"])
        for row in rows
    }
    return markdown(
        ["learnt from", *[f">{agent}" for agent in agents]],
        [[one, *[cells.get((one, other), "-") for other in agents]] for one in agents],
    )


def _search(rows: Sequence[Row]) -> str:
    columns = (
        "regret_first",
        "regret_top_10",
        "regret_training_set",
        "regret_simulator_same_simulations",
        "proxy_ms_per_evaluation",
    )
    sizes = sorted({int(row["train"]) for row in rows})
    lines = []
    for size in sizes:
        mine = [row for row in rows if int(row["train"]) == size]
        lines.append(
            [f"{size:,}", *[_figure(str(median(float(r[c]) for r in mine))) for c in columns]]
        )
    headers = [">first choice", ">best of ten", ">best training design", ">simulator alone"]
    return markdown([">designs simulated", *headers, ">proxy, ms per evaluation"], lines)


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
LINES: tuple[tuple[str, Any, str], ...] = (
    ("genetic", ":", "s"),
    ("random_walk", "--", "^"),
    ("4 agents", "-.", "D"),
    ("7 agents", "-", "o"),
    ("uniform", (0, (1, 1)), "x"),
)


def draw(rows: Sequence[Row], path: Path) -> Any:
    """Draw RMSE against the number of designs, for energy and latency; return the figure."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    mpl.rcParams |= {"svg.hashsalt": "archgym", "font.size": 9}
    figure, axes = pyplot.subplots(1, 2, figsize=(8.4, 3.6), sharex=True, layout="constrained")
    for axis, name in zip(axes, ("energy_pj", "latency_mean_ns"), strict=True):
        for (data, style, mark), colour in zip(LINES, COLOURS, strict=True):
            found = _medians(rows, data, f"anywhere.{name}.rmse_percent")
            axis.plot(
                list(found),
                list(found.values()),
                linestyle=style,
                marker=mark,
                markersize=4,
                color=colour,
                label=data,
            )
        axis.axhline(0.61, color="#888888", linewidth=0.8)
        axis.annotate("0.61 %, the paper", (0.01, 0.61), xycoords=("axes fraction", "data"),
                      ha="left", va="bottom", fontsize=8, color="#555555")  # fmt: skip
        axis.set(xscale="log", yscale="log", xlabel="different designs learnt from")
        axis.set_title(f"{SHORT[name]}, all designs")
        axis.set_ylabel("RMSE (% of the mean)")
        axis.grid(visible=True, which="major", linewidth=0.4)
    axes[0].legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return figure
