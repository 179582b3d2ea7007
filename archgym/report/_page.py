"""HTML of a report: elements that escape their text, tables, figures and the page around them."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Markup(str):
    """Text that is HTML already; every other text is escaped on its way into a page."""

    __slots__ = ()


def join(parts: Sequence[str]) -> Markup:
    """Return the parts as HTML, one after the other."""
    return Markup("".join(p if isinstance(p, Markup) else escape(str(p)) for p in parts))


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Return an HTML element; ``class_`` is the attribute ``class``."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value, quote=True)}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def breakable(name: str) -> Markup:
    """Return a name with underscores that may wrap after each of them."""
    return Markup(escape(name).replace("_", "_<wbr>"))


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, marked: Sequence[int] = ()
) -> Markup:
    """Return a table that scrolls sideways on a narrow screen.

    Args:
        headers: One text a column; the first column heads its row.
        rows: One text a cell.
        marked: Numbers of the rows to highlight.
    """
    head = element("tr", *[element("th", text, scope="col") for text in headers])
    body = [
        element(
            "tr",
            element("th", breakable(row[0]), scope="row"),
            *[element("td", text) for text in row[1:]],
            class_="marked" if number in marked else "",
        )
        for number, row in enumerate(rows)
    ]
    inner = element("table", element("thead", head), element("tbody", *body))
    # Few columns fit a phone if their text may wrap; many columns scroll.
    kind = "scroll narrow" if len(headers) <= 4 else "scroll"
    return element("div", inner, class_=kind, tabindex="0")


def facts(entries: Sequence[tuple[str, str]]) -> Markup:
    """Return a list of names and values."""
    pairs = [
        element("div", element("dt", name), element("dd", value), class_="fact")
        for name, value in entries
    ]
    return element("dl", *pairs, class_="facts")


def tiles(entries: Sequence[tuple[str, str, str]]) -> Markup:
    """Return a row of boxes: what, the number, and a remark."""
    boxes = [
        element(
            "div",
            element("div", what, class_="what"),
            element("div", value, class_="number"),
            element("div", remark, class_="remark"),
            class_="tile",
        )
        for what, value, remark in entries
    ]
    return element("div", *boxes, class_="tiles")


def figure(name: str, drawn: "go.Figure", caption: str = "") -> Markup:
    """Return a figure with its explanation; ``name`` is its id on the page."""
    # plotly's own JSON escapes "<", so that no text of a record can close the script element.
    html = drawn.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        config={"responsive": True, "displaylogo": False, "displayModeBar": False},
    )
    text = element("figcaption", caption) if caption else Markup()
    return element("figure", text, Markup(html))


def page(title: str, body: Sequence[str]) -> str:
    """Return a whole HTML document that needs no other file and no network."""
    from plotly.offline import get_plotlyjs

    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # A page without its own icon makes browsers ask for one.
            '<link rel="icon" href="data:,">',
            element("title", title),
            f"<style>{STYLE}</style>",
            f"<script>{get_plotlyjs()}</script></head><body><main>",
            join(body),
            "</main></body></html>\n",
        )
    )


STYLE = """
:root { --ink: #1d2329; --soft: #5b6670; --line: #dde2e7; --wash: #f5f7f9; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
    sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 1.45rem; margin: 44px 0 4px;
  padding-top: 18px; border-top: 3px solid var(--accent); }
h3 { font-size: 1.12rem; margin: 34px 0 2px; }
p { margin: 6px 0 12px; max-width: 75ch; overflow-wrap: anywhere; }
.lead { font-size: 1.1rem; }
.soft, figcaption, .remark { color: var(--soft); }
a { color: var(--accent); }
nav ul { padding-left: 20px; }
.tiles { display: grid; gap: 12px; margin: 18px 0;
  grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px;
  background: var(--wash); }
.tile .what { font-size: .85rem; color: var(--soft); }
.tile .number { font-size: 1.35rem; font-weight: 650; overflow-wrap: anywhere; }
.tile .remark { font-size: .85rem; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 8px 18px;
  margin: 14px 0; }
.fact dt { font-size: .8rem; color: var(--soft); }
.fact dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 10px 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: 6px 7px; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom;
  border-bottom: 2px solid #aab4bd; }
tbody th { font-weight: 600; }
tbody th wbr { display: none; }
th:first-child { text-align: left; }
tr.marked { background: #fdf1e6; }
tr.marked th::before { content: "\\25B8  "; color: #d55e00; }
figure { margin: 8px 0 0; }
figcaption { max-width: 75ch; margin-bottom: 6px; }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px;
  padding: 10px 12px;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .88rem; }
.note { border-left: 4px solid #e69f00; background: #fff8e8; padding: 8px 12px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 18px; }
.pair > * { min-width: 0; }
@media (max-width: 720px) {
  main { padding: 18px 14px 40px; }
  h1 { font-size: 1.5rem; }
  .pair { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tile .number { font-size: 1.2rem; }
  table { font-size: .82rem; }
  tbody th wbr { display: inline; }
  th, td { padding: 5px 6px; }
  .narrow th, .narrow td { white-space: normal; }
}
@media print {
  main { max-width: none; padding: 0; }
  figure, table, .tile { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
}
"""
