"""The page that an on-call opens on a drift: which columns, how far, since when, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence

from include.classification import Classification
from include.monitoring.drift import SCORE, Window
from include.monitoring.profile import ColumnProfile, ReferenceProfile, value_names
from include.records import ModelRef
from include.reporting import Report, draw_amounts, draw_shares, figure

_SHOWN = 6


def drift_report(
    spec: Classification,
    champion: ModelRef,
    reference: ReferenceProfile,
    windows: Sequence[Window],
    verdict: str,
    reason: str,
) -> str:
    """Return the HTML page of one look of the monitor."""
    report = Report(
        f"{spec.title}: {verdict}",
        f"v{champion.version}, windows of {spec.monitoring.window_days} days against {reference.rows} reference rows",
    )
    report.section("Verdict").text(reason, kind="bad" if verdict == "retrain" else "")
    report.text(
        f"A column counts as drifted when it is significant after Benjamini–Yekutieli control at "
        f"{spec.monitoring.false_alarm_rate:.0%} and its PSI is at least {spec.monitoring.min_effect:g}: of windows "
        f"without any drift at most {spec.monitoring.false_alarm_rate:.0%} are called drifted.",
        kind="muted",
    )
    report.table(
        ["window", "rows", "drifted columns"],
        [[f"{each.first_day} to {each.last_day}", len(each.rows), _named(each)] for each in windows],
    )
    newest = windows[-1]
    if newest.drift is None:
        return report.html()
    columns = sorted(newest.drift.columns, key=lambda each: -each.effect)
    report.section("Columns of the newest window")
    drawn, axes = figure(1, height=0.28 * len(columns) + 0.8)
    axes.barh([each.column for each in columns][::-1], [min(each.effect, 2.0) for each in columns][::-1],
              color=["#b3261e" if each.drifted else "#7a8ca5" for each in columns][::-1])  # fmt: skip
    axes.axvline(spec.monitoring.min_effect, color="k", linestyle=":")
    axes.set(xlabel="population stability index")
    report.plot(drawn, "Effect by column; the dotted line is the smallest that matters")
    report.table(
        ["column", "test", "statistic", "p", "adjusted p", "PSI", "drifted"],
        [[each.column, each.test, f"{each.statistic:.3f}", f"{each.p_value:.2g}", f"{each.adjusted_p:.2g}",
          f"{each.effect:.3f}", "fail" if each.drifted else "no"] for each in columns],
    )  # fmt: skip
    report.section("Distributions", "Reference and newest window; drifted columns first.")
    for each in columns[:_SHOWN]:
        profile = reference.score if each.column == SCORE else reference.columns[each.column]
        _compare(report, each.column, profile, newest)
    return report.html()


def _named(window: Window) -> str:
    if window.drift is None:
        return "not judged: too few rows"
    return ", ".join(f"{each.column} {each.effect:.2f}" for each in window.drift.drifted) or "none"


def _compare(report: Report, name: str, profile: ColumnProfile, window: Window) -> None:
    values = window.rows[name].dropna()
    drawn, axes = figure(1)
    if profile.is_category:
        seen = value_names(values).value_counts(normalize=True)
        draw_shares(axes, {"reference": profile.shares, "window": seen.to_dict()})
    else:
        draw_amounts(axes, {"reference": profile.quantiles, "window": values.astype(float)})
    axes.set(title=name, ylabel="share of rows")
    report.plot(drawn, f"{name}: reference and {window.first_day} to {window.last_day}")
