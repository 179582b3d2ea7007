"""Plotly figures as SVG files, drawn by a headless browser."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH_PX = 900
TIMEOUT_S = 180

_PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><script>%s</script></head><body><script>
const figures = %s, found = {};
const draw = ([name, f]) => Plotly.toImage(f, {format: "svg", width: %d, height: f.layout.height})
  .then(url => { found[name] = decodeURIComponent(url.slice(url.indexOf(",") + 1)); });
Promise.all(Object.entries(figures).map(draw)).then(() => {
  const bytes = new TextEncoder().encode(JSON.stringify(found));
  document.body.dataset.result = btoa(Array.from(bytes, b => String.fromCharCode(b)).join(""));
});
</script></body></html>"""


def write_svgs(figures: Mapping[str, go.Figure], folder: Path) -> list[Path]:
    """Write each figure as ``NAME.svg``; nothing without a browser.

    Args:
        figures: Name -> figure with a height.
        folder: Where to.

    Returns:
        The files written.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return []
    content = {name: json.loads(figure.to_json()) for name, figure in figures.items()}
    # No text of a figure can close the script element.
    text = json.dumps(content).replace("<", "\\u003c")
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "page.html"
        page.write_text(_PAGE % (get_plotlyjs(), text, WIDTH_PX), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += [f"--user-data-dir={scratch}/profile", "--virtual-time-budget=60000"]
        done = subprocess.run(  # noqa: S603 - the browser that was found
            [*command, page.as_uri()], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    found = re.search(r'data-result="([^"]+)"', done.stdout)
    if found is None:
        raise RuntimeError(f"{browser} drew no figure: {done.stderr[-500:]}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, svg in json.loads(base64.b64decode(found[1])).items():
        path = folder / f"{name}.svg"
        path.write_text(svg + "\n", encoding="utf-8")
        written.append(path)
    return written
