"""The page and the plot of a study of how often to retrain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from include.monitor_ops.study_material import Plan
from include.monitoring.cadence import NEVER, Answer, Metric
from include.reporting import Report, figure
from include.spec import UseCase

_CHOSEN, _OTHER = "#12703a", "#7a8ca5"


def page(spec: UseCase, plan: Plan, found: Answer, metrics: Sequence[Metric], about: str) -> str:
    """Return the study's page."""
    first, last = plan.windows[0], plan.windows[-1]
    days = (first.last - first.first).days + 1
    report = Report(
        f"{spec.title}: how often to retrain",
        f"{len(plan.windows)} windows of {days} day{'s' if days > 1 else ''}, {first.first} to {last.last}",
    )
    report.section("Answer").text(f"{found.said}.", kind="good").text(about, kind="muted")
    report.plot(plot(plan, found, metrics), "Left: quality against cost. Right: what each cadence gave, over time.")
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
    """Return quality against cost, beside quality over time of the most frequent cadence, of never and of triggers."""
    primary = metrics[0]
    drawn, (left, right) = figure(2, height=4.0)
    for place, one in enumerate(found.standings):
        gain, colour = one.gain[primary.name], _CHOSEN if one.replayed.cadence == found.recommended else _OTHER
        left.errorbar(one.replayed.fits, gain.value, [[gain.value - gain.low], [gain.high - gain.value]],
                      fmt="o", color=colour, capsize=3)  # fmt: skip
        left.annotate(one.replayed.cadence, (one.replayed.fits, gain.value), xytext=(5, 5 if place % 2 else -11),
                      textcoords="offset points", fontsize="small", color=colour)  # fmt: skip
    best = next(one for one in found.standings if one.replayed.cadence == found.best)
    left.axhline(best.gain[primary.name].value - found.margin, color="#b3261e", linestyle=":", linewidth=1)
    left.set_xscale("log", base=2)
    left.set(xlabel="fits", ylabel=f"gain over {found.standings[0].replayed.cadence}, {primary.unit}")
    shown = [one for place, one in enumerate(found.standings) if not place or not _regular(one.replayed.cadence)]
    starts = np.array([window.first for window in plan.windows])
    for one in shown:
        values = np.array(one.replayed.quality[primary.name], dtype=float)
        (line,) = right.plot(starts, values, label=one.replayed.cadence, linewidth=1.2)
        if one is not found.standings[0]:
            fits = sorted(set(one.replayed.fitted))
            right.plot(starts[fits], values[fits], "o", color=line.get_color(), markersize=4)
    right.set(ylabel=f"{primary.name}, {primary.unit}")
    right.tick_params(axis="x", labelsize=7, rotation=30)
    right.legend(fontsize="small")
    drawn.tight_layout()
    return drawn


def _regular(cadence: str) -> bool:
    return cadence.startswith("every ") and cadence != NEVER
