"""The part of a monitor's page that shows a drift: which columns, how far, since when, and what they look like."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.monitoring.drift import WindowDrift
from include.monitoring.profile import ReferenceProfile
from include.monitoring.sketch import ColumnSketch, count
from include.reporting import Report, figure

_SHOWN, _LARGEST = 6, 2.0
_DRIFTED, _CALM = "#b3261e", "#7a8ca5"


def show_drift(
    report: Report, reference: ReferenceProfile, drift: WindowDrift, rows: pd.DataFrame, *, rate: float, smallest: float
) -> None:
    """Add the columns of a window, the largest effect first, and what the foremost of them look like.

    Args:
        report: The page.
        reference: What the window was compared with.
        drift: What was found.
        rows: The window's rows.
        rate: The stated share of false alarms.
        smallest: The smallest effect that matters.
    """
    report.text(
        f"A column counts as drifted when in fewer than {rate:.0%} of calm windows some column would look as "
        f"different, and its effect (Cohen's w) is at least {smallest:g}: about so many standard deviations.",
        kind="muted",
    )
    for name, said in drift.problems.items():
        report.text(f"{name}: {said}. The other columns were compared.", kind="bad")
    if drift.not_judged:
        report.text(f"Not judged: {drift.not_judged}.", kind="muted")
        return
    columns = sorted(drift.columns, key=lambda each: -each.effect)
    drawn, axes = figure(1, height=0.28 * len(columns) + 0.8)
    axes.barh([each.column for each in columns][::-1], [min(each.effect, _LARGEST) for each in columns][::-1],
              color=[_DRIFTED if each.drifted else _CALM for each in columns][::-1])  # fmt: skip
    axes.axvline(smallest, color="k", linestyle=":")
    axes.set(xlabel="effect")
    report.plot(drawn, "Effect by column; the dotted line is the smallest that matters")
    report.table(
        ["column", "test", "p", "p among all columns", "effect", "PSI", "missing before", "missing now", "drifted"],
        [[each.column, each.test, f"{each.p_value:.2g}", f"{each.adjusted_p:.2g}", f"{each.effect:.3f}",
          f"{each.psi:.3f}", f"{each.missing_before:.1%}", f"{each.missing_now:.1%}",
          "fail" if each.drifted else "no"] for each in columns],
    )  # fmt: skip
    if drift.joint is not None:
        said = (
            f"All columns together: a classifier tells window and reference apart with an AUC of {drift.joint.auc:.3f}"
        )
        report.text(f"{said} (p {drift.joint.p_value:.2g}).", kind="bad" if drift.joint_drifted else "muted")
    report.section("Distributions", "Reference and newest window; drifted columns first.")
    for each in columns[:_SHOWN]:
        _compare(report, each.column, reference.columns[each.column], rows[each.column])


def _compare(report: Report, name: str, sketch: ColumnSketch, values: pd.Series) -> None:
    counts = np.array([sketch.counts, count(sketch, values)], dtype=float)
    shown = counts.sum(axis=0) > 0
    shares = (counts / counts.sum(axis=1, keepdims=True))[:, shown]
    drawn, axes = figure(1)
    at = np.arange(shown.sum())
    axes.bar(at - 0.2, shares[0], 0.4, label="reference", color=_CALM)
    axes.bar(at + 0.2, shares[1], 0.4, label="window", color=_DRIFTED)
    labels = [label for label, seen in zip(sketch.labels, shown, strict=True) if seen]
    turned = {"rotation": 60, "ha": "right"} if len(labels) > _SHOWN else {}
    axes.set_xticks(at, labels, fontsize="x-small", **turned)
    axes.set(title=name, ylabel="share of rows")
    axes.legend(fontsize="small")
    report.plot(drawn, f"{name}: share of rows in each cell")
