"""The monitor: the newest windows of what the champion has scored, against its reference; one word, with evidence.

It keeps no state of its own. The last windows are judged again from the tables each time, so a lost or doubled event
changes nothing, and two windows of three that drifted confirm a drift whenever the monitor looks.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from include.classification import Classification
from include.data import snapshots
from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.journal import Journal
from include.errors import PermanentError
from include.models import registry, tracking
from include.monitor_ops.drift_report import show_drift
from include.monitor_ops.reference import PROFILE, Dated, watched
from include.monitor_ops.windows import Window, newest_windows
from include.monitoring.profile import ReferenceProfile
from include.naming import DEFAULT_KEY
from include.records import ModelRef
from include.reporting import Report
from include.serving.batch import PREDICTIONS

Verdict = Literal["healthy", "watch", "retrain", "not judged"]
REPORT = "drift.html"


@dataclass(frozen=True)
class MonitorResult:
    """What the monitor says.

    Args:
        verdict: healthy, watch (the newest window drifted), retrain (confirmed), or not judged (too few rows).
        run_id: MLflow run that holds the report.
        report: The report's name in that run.
        reason: One sentence with columns, effects and windows.
        confirmed: Whether a training is to be asked for.
        drifted: The columns of the newest window that drifted.
    """

    verdict: Verdict
    run_id: str
    report: str
    reason: str
    confirmed: bool
    drifted: tuple[str, ...]


def monitor(spec: Classification, *, as_of: dt.date, pipeline_run: str) -> MonitorResult:
    """Judge the newest windows of the champion's predictions up to a day.

    Raises:
        PermanentError: there is no champion, or it has scored nothing.
    """
    champion = Journal(spec.name).state().of(DEFAULT_KEY).decides
    if champion is None:
        raise _nothing(spec, "a champion", "none")
    reference = tracking.load_record(champion.run_id, PROFILE, ReferenceProfile)
    scored = _scored(spec, champion, as_of)
    dated = Dated(watched(spec, scored, scored["score"].to_numpy()), scored[DAY])
    windows = newest_windows(spec, reference, dated, scored[DAY].max())
    verdict, reason, confirmed = _verdict(spec, windows)
    run_id = tracking.child_run(champion.run_id, f"monitor {windows[-1].last_day}", pipeline_run=pipeline_run)
    newest = windows[-1].drift
    tracking.log_metrics(run_id, {"rows": newest.rows, "drifted": len(newest.drifted)})
    tracking.log_metrics(run_id, {f"effect_{each.column}": min(each.effect, 1e6) for each in newest.columns})
    tracking.log_record(run_id, "drift.json", newest)
    tracking.log_params(run_id, {"verdict": verdict, "model_version": champion.version})
    tracking.log_report(run_id, REPORT, _page(spec, champion, reference, windows, verdict, reason))
    tracking.close_run(run_id)
    drifted = tuple(each.column for each in newest.drifted)
    return MonitorResult(verdict, run_id, REPORT, reason, confirmed, drifted)


def _scored(spec: Classification, champion: ModelRef, as_of: dt.date) -> pd.DataFrame:
    """Return the raw rows that the champion has scored, with its scores."""
    first = registry.classification_of(champion).snapshot.last_day + dt.timedelta(days=1)
    columns = [DAY, spec.contract.key, "score", "model_version"]
    log = Table(spec.name, PREDICTIONS).read(first_day=first, last_day=as_of, columns=columns)
    log = log.loc[log["model_version"] == champion.version] if len(log) else log
    if log.empty:
        raise _nothing(spec, f"predictions of v{champion.version} up to {as_of}", "none")
    rows = snapshots.rows_between(spec, first, as_of, as_of=as_of)
    return rows.merge(log.drop(columns="model_version"), on=[DAY, spec.contract.key], how="inner")


def _verdict(spec: Classification, windows: list[Window]) -> tuple[Verdict, str, bool]:
    needed, looked = spec.monitoring.confirm
    newest, hits = windows[-1], [window for window in windows if window.drift.alarm]
    if newest.drift.not_judged:
        return "not judged", newest.drift.not_judged, False
    if not newest.drift.alarm:
        return "healthy", f"no column drifted from {newest.first_day} to {newest.last_day}", False
    said = f"{newest.named} from {newest.first_day} to {newest.last_day}"
    seen = f"{said}; {len(hits)} of the last {looked} windows drifted"
    if len(hits) >= needed:
        return "retrain", f"drift confirmed: {seen}", True
    return "watch", f"{seen}, {needed} would confirm", False


def _page(
    spec: Classification,
    champion: ModelRef,
    reference: ReferenceProfile,
    windows: list[Window],
    verdict: Verdict,
    reason: str,
) -> str:
    report = Report(
        f"{spec.title}: {verdict}",
        f"v{champion.version}, windows of {spec.monitoring.window_days} days against {reference.rows} reference rows",
    )
    report.section("Verdict").text(reason, kind="bad" if verdict == "retrain" else "")
    report.table(
        ["window", "rows", "drifted columns"],
        [[f"{each.first_day} to {each.last_day}", len(each.rows), each.named] for each in windows],
    )
    newest, limits = windows[-1], spec.monitoring
    report.section("Columns of the newest window")
    show_drift(report, reference, newest.drift, newest.rows, rate=limits.false_alarm_rate, smallest=limits.min_effect)
    return report.html()


def _nothing(spec: Classification, expected: str, seen: str) -> PermanentError:
    return PermanentError(
        expected=expected, seen=seen, where=f"monitor of {spec.name}", next_step=f"run {spec.name}_score first"
    )
