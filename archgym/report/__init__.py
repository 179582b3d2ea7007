"""Self-contained HTML pages about searches and sweeps."""

from archgym.report._numbers import interval, percent
from archgym.report._report import build_report, write_report
from archgym.report._sections import ALWAYS_SHOWN, Section, load_sections, sections_of
from archgym.report._sweep import build_sweep_report

__all__ = [
    "ALWAYS_SHOWN",
    "Section",
    "build_report",
    "build_sweep_report",
    "interval",
    "load_sections",
    "percent",
    "sections_of",
    "write_report",
]
