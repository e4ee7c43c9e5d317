"""The page of a classifier's monitor: the word, then three views of it, for owners, model-risk and operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.dates as mdates

from include.classification import Classification
from include.monitor_ops.drift_report import show_drift
from include.monitor_ops.findings import Findings
from include.monitor_ops.inputs import Inputs
from include.monitor_ops.operations import Operations
from include.monitor_ops.quality import Quality
from include.monitor_ops.windows import Window
from include.monitoring.diagnosis import Diagnosis
from include.monitoring.estimate import checked
from include.monitoring.profile import ReferenceProfile
from include.monitoring.verdict import Verdict
from include.reporting import Report, figure
from include.spec import UseCase

_BAD = ("retrain", "roll back", "stop")


def monitor_report(spec: Classification, profile: ReferenceProfile, windows: Sequence[Window], found: Findings) -> str:
    """Return the page of a classifier."""
    title = f"{spec.title}: {found.verdict.word}"
    days = spec.monitoring.window_days
    report = Report(title, f"v{found.version}, windows of {days} days against {profile.rows} reference rows")
    _verdict(report, found.verdict, found.diagnosis)
    _owners(report, spec, found)
    _model_risk(report, spec, found)
    _drift(report, spec, profile, windows)
    _operations(report, found.operations)
    return report.html()


def inputs_report(spec: UseCase, seen: Inputs, verdict: Verdict) -> str:
    """Return the page about what came into a grid or a shop."""
    days = spec.monitoring.window_days
    report = Report(f"{spec.title}, inputs: {verdict.word}",
                    f"windows of {days} days against {len(seen.profile.days)} reference days")  # fmt: skip
    _verdict(report, verdict, seen.diagnosis)
    report.section("For model risk", "What came, against the same season of the reference.")
    _drift(report, spec, seen.profile, seen.windows)
    _operations(report, seen.operations)
    return report.html()


def _verdict(report: Report, verdict: Verdict, diagnosis: Diagnosis) -> None:
    report.section("Verdict").text(verdict.reason, kind="bad" if verdict.word in _BAD else "")
    report.table(["evidence"], [[line] for line in verdict.lines])
    report.text(f"Cause: {diagnosis.said}.", kind="bad" if diagnosis.fault else "")
    report.text(f"What to do: {diagnosis.advice}.")


def _drift(report: Report, spec: UseCase, profile: ReferenceProfile, windows: Sequence[Window]) -> None:
    report.table(
        ["window", "rows", "drifted columns"],
        [[_days(each), len(each.rows), each.named] for each in windows],
    )
    limits, newest = spec.monitoring, windows[-1]
    show_drift(report, profile, newest.drift, newest.rows, rate=limits.false_alarm_rate, smallest=limits.min_effect)


def _owners(report: Report, spec: Classification, found: Findings) -> None:
    report.section("For the owners", f"{spec.kpi}, in {spec.kpi_unit}; costs of a case in {spec.costs.unit}.")
    said = found.foretold.get("cost")
    if said:
        report.text(f"The newest window will cost {said} a case, by its scores.")
    if not found.qualities:
        report.text(f"No window has its labels yet; {found.waiting} cases wait for theirs.", kind="muted")
        return
    report.table(
        ["window", "cases", "cost of a case, foretold", "by the labels", "all together"],
        [_kpi(each) for each in found.qualities],
    )


def _kpi(each: Quality) -> list[Any]:
    cost = each.seen.get("cost")
    total = f"{cost.value * each.rows:.1f}" if cost else ""
    return [_days(each), each.rows, each.foretold.get("cost", ""), cost or "", total]


def _days(window: Quality | Window) -> str:
    return f"{window.first_day} to {window.last_day}"


def _model_risk(report: Report, spec: Classification, found: Findings) -> None:
    name = spec.primary_metric
    report.section("For model risk", "What was foretold of each window, and what its labels said.")
    for said in found.aside:
        report.text(said, kind="bad")
    for each in found.qualities:
        for what, why in each.why.items():
            report.text(f"{_days(each)}: no {what}, {why}", kind="bad")
    if found.qualities:
        _quality_plot(report, spec, found)
        pairs = [(each.foretold[name], each.seen[name].value) for each in found.qualities
                 if name in each.foretold and name in each.seen]  # fmt: skip
        if kept := checked([said for said, _ in pairs], [truth for _, truth in pairs]):
            report.text(
                f"Over {kept.windows} windows the estimate of {name} was {kept.mean_gap:.4f} from the truth "
                f"(bias {kept.bias:+.4f}); {kept.coverage:.0%} of the truths lay in its interval.",
                kind="muted",
            )
        last = found.qualities[-1]
        report.table(
            ["slice", "group", "rows", "share with the outcome", name],
            [
                [each.column, each.group, each.rows, f"{each.rate:.1%}", each.quality or each.why]
                for each in last.slices
            ],
        )
        audited = [rule.column for rule in spec.gates.fairness]
        report.table(
            ["window", *(f"parity by {column}" for column in audited)],
            [[_days(each), *_parity(each, audited)] for each in found.qualities],
        )
    if found.rivals:
        report.text("The champion beside other versions on the rows that it has scored; positive favours it.")
        report.table(
            ["beside", "rows", "metric", "difference", "the champion is"],
            [[each.against, each.rows, each.metric, each.difference, each.verdict] for each in found.rivals],
        )


def _parity(each: Quality, columns: Sequence[str]) -> list[Any]:
    ratios = {one.column: one.parity_ratio for one in each.fairness}
    return [ratios.get(column, "") for column in columns]


def _quality_plot(report: Report, spec: Classification, found: Findings) -> None:
    name = spec.primary_metric
    shown = [each for each in found.qualities if name in each.seen and name in each.foretold]
    if not shown:
        return
    drawn, axes = figure(1)
    days = mdates.date2num([each.last_day for each in shown])
    for values, label, colour in (
        ([each.seen[name] for each in shown], "by the labels", "#b3261e"),
        ([each.foretold[name] for each in shown], "foretold", "#7a8ca5"),
    ):
        axes.plot(days, [each.value for each in values], marker="o", label=label, color=colour)
        axes.fill_between(days, [each.low for each in values], [each.high for each in values], alpha=0.2, color=colour)
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
    axes.set(ylabel=name)
    axes.legend(fontsize="small")
    report.plot(drawn, f"{name} by window: what the scores foretold, and what the labels said")


def _operations(report: Report, service: Operations) -> None:
    delivery = service.delivery
    report.section("For operations", f"{service.first_day} to {service.last_day}.")
    for said in (*delivery.faults, *delivery.broken):
        report.text(said, kind="bad")
    report.table(
        ["day", "rows", "usual"], [[day, rows, f"{delivery.usual:.0f}"] for day, rows in delivery.rows.items()]
    )
    report.text(f"{delivery.quarantine_rate:.2%} of the rows broke a rule and are in quarantine.")
    if service.requests:
        report.table(
            ["requests", "fall-back", "flagged", "median ms", "1 of 100 takes longer than, ms"],
            [[service.requests, f"{service.fallback_rate:.2%}", f"{service.flagged_rate:.2%}", f"{service.p50_ms:.1f}",
              f"{service.p99_ms:.1f}"]],
        )  # fmt: skip
