"""The page and the plot of a study of how often to retrain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from include.monitor_ops.study_material import Plan
from include.monitoring.cadence import Metric
from include.monitoring.worth import Answer, Standing
from include.reporting import Report, figure
from include.spec import UseCase

_CHOSEN, _OTHER, _LIMIT = "#12703a", "#7a8ca5", "#b3261e"


def page(spec: UseCase, plan: Plan, found: Answer, metrics: Sequence[Metric], about: str) -> str:
    """Return the study's page."""
    first, last = plan.windows[0], plan.windows[-1]
    days = (first.last - first.first).days + 1
    report = Report(
        f"{spec.title}: how often to retrain",
        f"{len(plan.windows)} windows of {days} day{'s' if days > 1 else ''}, {first.first} to {last.last}",
    )
    report.section("Answer").text(f"{found.said}.", kind="good").text(about, kind="muted")
    report.plot(
        plot(plan, found, metrics),
        "Left: quality against cost; below the dotted line the margin is lost. Right: over time; dots are trainings.",
    )
    report.section(
        "Cadences",
        "Gains are over the most frequent cadence, positive is better, with intervals that are paired by window. Good "
        f"enough is who is behind {found.best}, the best, by less than {found.margin:.3g}, interval included.",
    )
    report.table(
        ["cadence", "fits", "CPU s", *(f"{each.name}, {each.unit}" for each in metrics),
         *(f"gain in {each.name}" for each in metrics), "good enough"],
        [[one.replayed.cadence, one.replayed.fits, f"{one.replayed.seconds:.1f}",
          *(f"{one.mean[each.name]:.4g}" for each in metrics), *(one.gain[each.name] for each in metrics),
          one.good_enough] for one in found.standings],
    )  # fmt: skip
    left = len(plan.windows) - len(found.judged)
    if left:
        report.text(f"{left} windows could not be judged under every cadence, and are left out.", kind="muted")
    return report.html()


def plot(plan: Plan, found: Answer, metrics: Sequence[Metric]) -> Figure:
    """Return how far each cadence is behind the best against its fits, and what some gain over time; dots train."""
    primary, first = metrics[0], found.standings[0]
    drawn, (left, right) = figure(2, height=4.0)
    histories: dict[tuple[int, ...], list[Standing]] = {}
    for one in found.standings:
        histories.setdefault(one.replayed.fitted, []).append(one)
    usual = _values(first, primary)
    starts = np.array([window.first for window in plan.windows])
    for same in histories.values():
        one, named = same[0], ", ".join(each.replayed.cadence for each in same)
        behind, fits = one.behind, one.replayed.fits
        colour = _CHOSEN if found.recommended in named.split(", ") else _OTHER
        left.errorbar(fits, behind.value, [[behind.value - behind.low], [behind.high - behind.value]], fmt="o",
                      capsize=3, color=colour)  # fmt: skip
        above = one.replayed.cadence.startswith("every ")  # others have a number of fits that may be anybody's
        left.annotate(named, (fits, behind.high if above else behind.low), xytext=(0, 5 if above else -5),
                      textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize="small",
                      color=colour)  # fmt: skip
        if one is not first and (colour == _CHOSEN or not one.replayed.cadence.startswith("every ")):
            gained = _values(one, primary) - usual
            (line,) = right.plot(starts, gained, label=named, linewidth=1.2)
            trained = sorted(set(one.replayed.fitted))
            right.plot(starts[trained], gained[trained], "o", color=line.get_color(), markersize=4)
    left.axhline(-found.margin, color=_LIMIT, linestyle=":", linewidth=1)
    left.set_xscale("log", base=2)
    left.xaxis.set_major_formatter("{x:g}")
    left.margins(0.2)
    left.set(xlabel="fits", ylabel=f"gain over the best, {found.best}, {primary.unit}")
    right.axhline(0, color="k", linewidth=0.6)
    right.set(ylabel=f"gain over {first.replayed.cadence}, {primary.unit}")
    right.tick_params(axis="x", labelsize=7, rotation=30)
    right.legend(fontsize="small")
    drawn.tight_layout()
    return drawn


def _values(one: Standing, metric: Metric) -> np.ndarray:
    """Return a metric by window, so that more is better."""
    return (1 if metric.higher_is_better else -1) * np.array(one.replayed.quality[metric.name], dtype=float)
