"""The parts of a report that a problem asks for: its own charts, a front of three metrics."""

from archgym import plots
from archgym.charts import Chart, Roofline, StackedBars
from archgym.plots._charts import largest_bar
from archgym.report._page import element, figure
from archgym.report._sections import Section

DEFAULT, BEST = "default design", "best design"


def charts(section: Section, key: str) -> list[str]:
    """Return the problem's charts of the default and the best design, simulated again."""
    if section.problem is None or section.best is None:
        return []
    drawn = {
        DEFAULT: _by_title(section.problem.charts(section.problem.default_design)),
        BEST: _by_title(section.problem.charts(section.design(section.best))),
    }
    body: list[str] = []
    titles = dict.fromkeys(title for mine in drawn.values() for title in mine)
    for number, title in enumerate(titles):
        mine = {design: found[title] for design, found in drawn.items() if title in found}
        body += [element("h3", title), *_drawn(mine, f"{key}-chart-{number}")]
    return body


def _by_title(found: list[Chart]) -> dict[str, Chart]:
    return {chart.title: chart for chart in found}


def _drawn(mine: dict[str, Chart], name: str) -> list[str]:
    caption = next(iter(mine.values())).caption
    text = [element("p", caption, class_="soft")] if caption else []
    bars = {design: chart for design, chart in mine.items() if isinstance(chart, StackedBars)}
    roofs = {design: chart for design, chart in mine.items() if isinstance(chart, Roofline)}
    body: list[str] = list(text)
    if bars:
        limit = largest_bar(bars.values())
        pictures = [
            element(
                "div",
                figure(f"{name}-{i}", plots.stacked_figure(chart, limit=limit), design),
            )
            for i, (design, chart) in enumerate(bars.items())
        ]
        body.append(element("div", *pictures, class_="pair"))
    if roofs:
        body.append(figure(name, plots.roofline_figure(roofs)))
    return body


def tradeoff(section: Section, key: str) -> list[str]:
    """Return the Pareto front of the three metrics that the problem names."""
    metrics = None if section.problem is None else section.problem.tradeoff
    if metrics is None or not set(metrics) <= set(section.metric_names):
        return []
    x, y, size = (section.axis(name) for name in metrics)
    best = {} if section.best is None else section.metrics(section.best)
    drawn = plots.tradeoff_figure(
        section.trials,
        x,
        y,
        size,
        default=None if section.reference is None else section.reference.metrics,
        best=best,
    )
    labels = [axis.label.split(" (")[0] for axis in (x, y, size)]
    text = (
        f"Designs that no other beats in {labels[0]}, {labels[1]} and {labels[2]} at once. Size "
        f"and colour of a point stand for {labels[2]}: neighbours on the page can differ much in "
        "it."
    )
    return [element("h3", "Three metrics at once"), figure(f"{key}-tradeoff", drawn, text)]
