"""The report: what it says, that it needs nothing else, and that a browser draws it."""

import dataclasses
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from archgym import make_problem
from archgym.charts import Chart, Roofline, RooflinePoint, StackedBars
from archgym.envs.dram import DRAMProblem
from archgym.errors import RecordError
from archgym.report import Section, build_report, load_sections, write_report
from archgym.report._page import element, table
from archgym.space import Design
from archgym.study import run_study

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
CONFIG = {"workload": "stream", "requests": 300, "threads": 1}
EVIL = (
    "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents with two seeds of 40 evaluations on DRAM-v0."""
    out = tmp_path_factory.mktemp("study")
    run_study("archgym/DRAM-v0", CONFIG, ["random_walk", "genetic"], 2, 40, out=out)
    return out


@pytest.fixture(scope="module")
def page(study: Path) -> str:
    """Its report."""
    return write_report(study).read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects visible text, external references and unbalanced tags."""

    VOID = ("meta", "link", "br", "img", "wbr", "hr", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_page_refers_to_no_other_file(page: str):
    reader = Reader(page)
    assert all(ref.startswith(("data:", "#")) for ref in reader.references)
    assert page.count("<link") == 1
    assert "@import" not in page.partition("</style>")[0]


def test_page_is_well_formed(page: str):
    reader = Reader(page)
    assert reader.unbalanced == []
    assert reader.open == []


def test_plotly_is_in_the_page_once(page: str):
    assert page.count("plotly.js v") == 1


def test_page_tells_what_was_run(page: str, study: Path):
    text = Reader(page).text
    problem = make_problem("archgym/DRAM-v0", **CONFIG)
    info = json.loads((study / "genetic/seed-0/run.json").read_text())
    for word in (
        "archgym/DRAM-v0",
        "DDR4-2400",
        f"{problem.space.size:,} designs",
        problem.default_objective,
        info["fingerprint"],
        info["config_hash"],
        "random_walk",
        "genetic",
        "2 agents x 2 seeds x 40 evaluations",
    ):
        assert word in text


def test_page_gives_best_and_default_side_by_side(page: str, study: Path):
    (section,) = load_sections(study)
    assert section.best is not None
    assert section.problem is not None
    design = section.design(section.best)
    text = Reader(page).text
    for name, value in section.problem.default_design.items():
        assert f"{name} {value} {design.get(name, '-')}" in text.replace("_ ", "_")
    changed = sum(
        section.problem.default_design.get(name) != design.get(name)
        for name in section.problem.space.names
    )
    assert page.count('<tr class="marked">') == changed > 0


def test_page_has_every_picture(page: str):
    drawn = set(re.findall(r'id="s1-([a-z0-9-]+)"', page))
    expected = {"convergence", "pareto", "parallel", "importance", "breakdown-0", "breakdown-1"}
    assert drawn == expected


def test_sections_have_the_design_of_a_trial_in_the_problem_s_types(study: Path):
    (section,) = load_sections(study)
    assert section.problem is not None
    for _, trial in section.trials.head(20).iterrows():
        design = section.design(trial)
        assert section.problem.space.validate(design) == design


def test_the_same_runs_give_the_same_page(study: Path, page: str, tmp_path: Path):
    assert write_report(study, tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_a_tree_of_problems_gets_one_section_each(study: Path, tmp_path: Path):
    shutil.copytree(study / "genetic", tmp_path / "stream" / "genetic")
    run_study(
        "archgym/DRAM-v0",
        {**CONFIG, "workload": "random", "memory": "LPDDR4-3200"},
        ["random_walk"],
        1,
        30,
        out=tmp_path / "other",
    )
    html = write_report(tmp_path).read_text(encoding="utf-8")
    text = Reader(html).text
    assert "2 searches" in text
    assert 'href="#s1"' in html
    assert 'href="#s2"' in html
    assert "random on LPDDR4-3200" in text
    assert "stream on DDR4-2400" in text
    assert html.count("plotly.js v") == 1


def test_a_run_of_a_changed_problem_is_reported_without_its_default(study: Path, tmp_path: Path):
    folder = tmp_path / "run"
    shutil.copytree(study / "genetic/seed-0", folder)
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**info, "fingerprint": "0" * 16}))
    text = Reader(write_report(folder).read_text(encoding="utf-8")).text
    assert "The problem has changed" in text
    assert "Against the default design" not in text


def test_a_bare_parquet_file_is_reported(study: Path, tmp_path: Path):
    shutil.copy(study / "genetic/seed-0/trials.parquet", tmp_path / "trials.parquet")
    text = Reader(write_report(tmp_path / "trials.parquet").read_text(encoding="utf-8")).text
    assert "does not say how its problem was made" in text


def test_runs_without_a_feasible_design_are_reported(made_up_trials: pd.DataFrame):
    trials = made_up_trials.assign(feasible=False)
    assert "No feasible design was found" in build_report([Section(trials, {}, None)])


def test_text_of_records_cannot_become_markup(made_up_trials: pd.DataFrame):
    trials = made_up_trials.assign(workload=EVIL, agent=EVIL, version=EVIL, config_hash=EVIL)
    trials["design.page_policy"] = trials["design.page_policy"] + EVIL
    reader = Reader(build_report([Section(trials, {}, None, note=EVIL)]))
    assert "img" not in reader.tags
    assert reader.unbalanced == []
    assert EVIL.replace("_", "") in reader.text.replace("_", "")


def test_elements_escape_text_and_attributes():
    assert element("p", "a<b", title='"') == '<p title="&quot;">a&lt;b</p>'
    assert "<td>&lt;i&gt;</td>" in table(["x", "y"], [["1", "<i>"]])


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(RecordError, match="holds no recorded run"):
        write_report(tmp_path)


def test_a_failed_write_leaves_nothing_behind(study: Path, tmp_path: Path):
    taken = tmp_path / "report.html"
    taken.mkdir()
    with pytest.raises(RecordError, match="Cannot write the report"):
        write_report(study, tmp_path)
    with pytest.raises(RecordError, match="Cannot write the report"):
        write_report(study, tmp_path / "none" / "report.html")
    assert list(tmp_path.iterdir()) == [taken]


def test_a_folder_as_the_output_gets_the_report(
    study: Path, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    written = write_report(study, ".")
    assert written == Path("report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


# ---------------------------------------------------------------------------- a real browser


class Visit:
    """What a headless browser made of a page.

    Attributes:
        dom: the document after its scripts ran.
        complaints: console messages, each a line.
        requests: addresses that the page asked for.
    """

    def __init__(self, path: Path, scratch: Path, width: int = 1280) -> None:
        log = scratch / f"net-{path.stem}-{width}.json"
        done = subprocess.run(
            [
                str(BROWSER),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                # The browser has calls of its own to make; none of them shall leave the machine.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                f"--user-data-dir={scratch / f'profile-{path.stem}-{width}'}",
                f"--window-size={width},2000",
                "--enable-logging=stderr",
                f"--log-net-log={log}",
                "--virtual-time-budget=10000",
                "--dump-dom",
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        self.dom = done.stdout
        self.complaints = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
        self.requests = [
            event["url"]
            for event in events
            if event.get("initiator", "not an origin") != "not an origin"  # the browser itself
        ]


needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome found")


@needs_browser
def test_the_browser_check_notices_errors_and_requests(tmp_path: Path):
    bad = tmp_path / "bad.html"
    bad.write_text("<script>missing()</script><img src='http://127.0.0.1:9/pixel.png'>")
    visit = Visit(bad, tmp_path)
    assert any("missing is not defined" in line for line in visit.complaints)
    assert "http://127.0.0.1:9/pixel.png" in visit.requests


@needs_browser
@pytest.mark.parametrize("width", [1280, 500])
def test_a_browser_draws_every_picture_without_errors_or_network(
    page: str, tmp_path: Path, width: int
):
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    visit = Visit(file, tmp_path, width)
    assert visit.complaints == []
    assert visit.requests == []
    pictures = len(set(re.findall(r'id="(s1-[a-z0-9-]+)"', page)))
    # plotly draws a figure as two or three layers of the class main-svg.
    drawn = re.findall(r'class="plot-container plotly"', visit.dom)
    assert len(drawn) == pictures == 6
    assert visit.dom.count("main-svg") >= 2 * pictures
    for mark in ("Pareto front", "best design", "default design", "simulator evaluations"):
        assert mark in visit.dom


class Charted(DRAMProblem):
    """DRAM-v0 with a chart of each kind."""

    tradeoff = ("latency_mean_ns", "power_mw", "energy_pj")

    def charts(self, design: Design) -> list[Chart]:
        point = RooflinePoint(intensity=2.0, performance=3.0)
        return [
            StackedBars(title="Energy", label="energy (uJ)", bars={EVIL: {EVIL: 1.0, "b": 2.0}}),
            Roofline(title="Roofline", points={EVIL: point}, peak=16.0, bandwidth=4.0),
        ]


@needs_browser
def test_a_browser_draws_a_problem_s_own_charts(study: Path, tmp_path: Path):
    (section,) = load_sections(study)
    charted = dataclasses.replace(section, problem=Charted(**CONFIG))  # type: ignore[arg-type]
    page = build_report([charted])
    file = tmp_path / "charts.html"
    file.write_text(page, encoding="utf-8")
    visit = Visit(file, tmp_path, 500)
    assert visit.complaints == []
    assert visit.requests == []
    assert len(re.findall(r'class="plot-container plotly"', visit.dom)) == 6 + 4
    assert "<title>owned</title>" not in visit.dom
    assert "Pareto front of three metrics" in visit.dom


@needs_browser
def test_hostile_text_does_not_run_in_a_browser(made_up_trials: pd.DataFrame, tmp_path: Path):
    trials = made_up_trials.assign(workload=EVIL, agent=EVIL)
    file = tmp_path / "evil.html"
    file.write_text(build_report([Section(trials, {}, None)]), encoding="utf-8")
    visit = Visit(file, tmp_path)
    assert "<title>owned</title>" not in visit.dom
    assert visit.requests == []
