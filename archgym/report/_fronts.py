"""The part of a sweep's page about problems with several objectives."""

from archgym.report._numbers import interval
from archgym.report._page import element, table
from archgym.sweep import Sweep

HEADERS = ("agent", "share of hypervolume", "hypervolume difference", "ADRS")

WHAT_THEY_ARE = (
    "Share of hypervolume: what a run's designs dominate, of what the front dominates. Hypervolume "
    "difference: what is missing to 1. ADRS, the average distance from the reference set: by what "
    "share the closest design found is worse than a design of the front in its worst metric, "
    "averaged over the front; 0 if all of it was found. Means with 95 % intervals over seeds."
)


def fronts(sweep: Sweep, budget: int) -> list[str]:
    """Return a table per problem with several objectives: how much of its front agents find."""
    body: list[str] = []
    for problem, rows in sweep.fronts[budget].items():
        if rows:
            cells = [
                [row.agent, *map(interval, (row.share, row.missing, row.adrs))] for row in rows
            ]
            body += [element("p", f"{problem}:"), table(HEADERS, cells)]
    if not body:
        return []
    heading = element("h3", "Fronts of several objectives")
    return [heading, element("p", WHAT_THEY_ARE, class_="soft"), *body]
