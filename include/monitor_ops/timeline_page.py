"""A timeline as a picture and a page: quality above, what was said and done below, on one axis of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from include.models import tracking
from include.monitor_ops.expectations import Expectation
from include.monitor_ops.timeline import Kind, Step, Timeline
from include.reporting import Report, stacked
from include.scenario import CALM, SCENARIOS

PICTURE, PAGE, _PAGES = "timeline.png", "timeline.html", "pages"
_INK, _BLUE, _GREY, _RED, _SHADE = "#1a2330", "#2f6db3", "#9aa5b1", "#b3261e", "#fbeee0"
_WORDS = {"healthy": "#cfe8d5", "watch": "#fbe3a2", "retrain": "#f4b183", "roll back": "#d9a0d0", "stop": "#e8847c",
          "not judged": "#e6eaf0", "": "#ffffff"}  # fmt: skip
_LANES: tuple[tuple[str, dict[Kind, tuple[str, str, str]]], ...] = (
    ("people called", {"called": ("X", _RED, "call")}),
    ("training asked for", {"asked": ("^", "#c55a11", "training that the monitor asked for")}),
    ("candidate", {"promoted": ("o", "#12703a", "new champion"), "refused": ("x", _GREY, "candidate refused")}),
    ("taken back, switched", {"taken back": ("<", "#7b2d8b", "taken back"), "switched": ("s", _INK, "switched")}),
)
_DAY = dt.timedelta(days=1)


def write_timeline(timeline: Timeline, checks: Sequence[Expectation], folder: Path) -> Path:
    """Write the picture and the page of a timeline into a folder, with the monitor's own pages beside them.

    Args:
        timeline: What happened.
        checks: What was expected of it.
        folder: Where to.

    Returns:
        The page's path.

    Raises:
        TransientError: MLflow is away.
    """
    drawn = draw_timeline(timeline)
    drawn.savefig(folder / PICTURE, dpi=150)
    report = Report(f"{timeline.title}: {timeline.scenario}", SCENARIOS[timeline.scenario])
    report.plot(drawn, _caption(timeline))
    report.section("What was expected")
    report.table(["expected", "seen", "holds"], [[each.expected, each.seen, each.holds] for each in checks])
    report.section("Windows", f"{timeline.measure.name}, with the {timeline.measure.band}.")
    report.table(
        ["window", "by the truth", "foretold", "verdict", "cause", "reason", "page"],
        [[_when(each), each.quality or "", each.estimated or "", each.verdict, each.cause, each.reason,
          _page_of(each, folder)] for each in timeline.steps],
    )  # fmt: skip
    report.section("What happened")
    report.table(["day", "what", "said"], [[each.day, each.kind, each.said] for each in timeline.moments])
    (folder / PAGE).write_text(report.html())
    return folder / PAGE


def _page_of(step: Step, folder: Path) -> str:
    """Keep the monitor's page of a window below the folder, for its store stops with the platform; return a link."""
    if not step.run_id:
        return ""
    with tracking.available(f"read the page of run {step.run_id}"):
        names = [each.path for each in tracking.client().list_artifacts(step.run_id) if each.path.endswith(".html")]
    if not names:
        return ""
    (folder / _PAGES).mkdir(exist_ok=True)
    path = Path(_PAGES) / f"{step.last_day}.html"
    (folder / path).write_text(tracking.load_text(step.run_id, names[0]))
    return Markup('<a href="{}">monitor</a>').format(path)


def draw_timeline(timeline: Timeline) -> Figure:
    """Return the picture: quality by window, the monitor's words, and a lane for each kind of moment."""
    drawn, (above, below) = stacked(3.2, 2.4)
    first, last = timeline.steps[0].first_day, timeline.steps[-1].last_day
    for axes in (above, below):
        if timeline.scenario != CALM:
            axes.axvspan(timeline.changed_from, last + _DAY, color=_SHADE, zorder=0, linewidth=0)
        axes.spines[["top", "right"]].set_visible(False)
    _quality(above, timeline)
    _lanes(below, timeline)
    above.set_xlim(first, last + _DAY)
    locator = mdates.AutoDateLocator(minticks=4, maxticks=12)
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    above.set_title(f"{timeline.title}: {timeline.scenario}", loc="left", fontweight="bold", color=_INK)
    return drawn


def _quality(axes: Any, timeline: Timeline) -> None:
    known = [each for each in timeline.steps if each.quality is not None]
    middles = [_middle(each) for each in known]
    values = [each.quality for each in known if each.quality is not None]
    axes.fill_between(middles, [each.low for each in values], [each.high for each in values], color=_BLUE, alpha=0.15,
                      linewidth=0, label=timeline.measure.band)  # fmt: skip
    axes.plot(middles, [each.value for each in values], "o-", color=_BLUE, markersize=4, label="by the truth")
    foretold = [(_middle(each), each.estimated.value) for each in timeline.steps if each.estimated is not None]
    if foretold:
        axes.plot(*zip(*foretold, strict=True), "o--", color=_GREY, markersize=3, label="foretold, before the truth")
    for number, each in enumerate(timeline.of("promoted", "taken back")):
        label = "new champion" if number == 0 else None
        axes.axvline(each.day + _DAY, color="#12703a", linestyle=":", linewidth=1.2, label=label)
    if timeline.scenario != CALM:
        axes.annotate(
            f"{timeline.scenario} begins", (timeline.changed_from, 1), xycoords=("data", "axes fraction"),
            xytext=(4, -10), textcoords="offset points", fontsize=8, color=_RED,
        )  # fmt: skip
    axes.set_ylabel(timeline.measure.name)
    axes.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), frameon=False, ncols=4)


def _lanes(axes: Any, timeline: Timeline) -> None:
    names = ["monitor", *(name for name, _ in _LANES)]
    for each in timeline.steps:
        width = (each.last_day - each.first_day).days + 1
        axes.barh(0, width, left=each.first_day, height=0.9, color=_WORDS.get(each.verdict, _GREY), edgecolor="white")
    for said, alike in groupby(timeline.steps, key=_said):
        group = list(alike)
        middle = _middle(group[0]) + (_middle(group[-1]) - _middle(group[0])) / 2
        axes.text(middle, 0, said, ha="center", va="center", fontsize=6.5)
    for place, (_, kinds) in enumerate(_LANES, start=1):
        for kind, (marker, colour, label) in kinds.items():
            days = [_noon(each.day) for each in timeline.of(kind)]
            if days:
                axes.plot(days, np.full(len(days), place), marker, color=colour, markersize=7, label=label)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.6)
    for place in range(1, len(names)):
        axes.axhline(place - 0.5, color="#e6eaf0", linewidth=0.8, zorder=0)


def _said(step: Step) -> str:
    words = (step.verdict, step.cause if step.cause != "none" else "")
    return "\n".join(filter(None, words))


def _middle(step: Step) -> dt.datetime:
    return _noon(step.first_day) + (step.last_day - step.first_day) / 2


def _noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12))


def _when(step: Step) -> str:
    return str(step.last_day) if step.first_day == step.last_day else f"{step.first_day} to {step.last_day}"


def _caption(timeline: Timeline) -> str:
    changed = "" if timeline.scenario == CALM else f"The scenario holds from {timeline.changed_from} on (shaded). "
    return f"{changed}Quality by the truth, with the {timeline.measure.band}; below, what was said and done."
