"""The monitor of a classifier: what has changed and why, how well the champion did, and what follows; one word.

It keeps no state of its own. The last windows are judged again from the tables each time, so a lost or doubled event
changes nothing, and two windows of three that drifted confirm a drift whenever the monitor looks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from include.classification import Classification
from include.clock import business_time
from include.data import snapshots
from include.data.ingest import TRUTH
from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.errors import PermanentError
from include.models import evaluations, registry, tracking
from include.models.evaluations import WindowEvaluation
from include.models.metrics import HIGHER_IS_BETTER
from include.monitor_ops.attempts import attempts
from include.monitor_ops.findings import Findings
from include.monitor_ops.monitor_report import monitor_report
from include.monitor_ops.operations import Operations, operations
from include.monitor_ops.quality import Quality, fairness, foretold, qualities
from include.monitor_ops.reference import PROFILE, RELIABILITY, Dated, watched
from include.monitor_ops.response import released_on, respond
from include.monitor_ops.rivals import Rival, beside, rivals_of
from include.monitor_ops.windows import Window, drift_facts, judged, newest_windows
from include.monitoring.causes import diagnose
from include.monitoring.diagnosis import Diagnosis
from include.monitoring.estimate import Reliability
from include.monitoring.evidence import Evidence, Performance
from include.monitoring.profile import ReferenceProfile
from include.monitoring.truth import JoinedTruth, join
from include.monitoring.verdict import Verdict, verdict
from include.naming import DEFAULT_KEY
from include.records import ClassificationEvaluation, Comparison, Estimate, FairnessResult, ModelRef
from include.serving.batch import PREDICTIONS

REPORT, VERDICT = "monitor.html", "verdict.json"
_HISTORY = 12  # windows with labels that a report shows


@dataclass(frozen=True)
class MonitorResult:
    """What the monitor says.

    Args:
        verdict: The word, its reason and evidence.
        cause: Why the newest window differs.
        run_id: MLflow run that holds the report.
        report: The report's name in that run.
        done: What was done by the monitor itself, such as a rollback; empty otherwise.
    """

    verdict: Verdict
    cause: str
    run_id: str
    report: str
    done: str


@dataclass(frozen=True)
class Watched:
    """The champion, and what was kept of the rows that it was judged on."""

    now: KeyState
    champion: ModelRef
    evaluation: ClassificationEvaluation
    profile: ReferenceProfile
    reliability: Reliability


def monitor(spec: Classification, *, as_of: dt.date, pipeline_run: str, dry_run: bool = False) -> MonitorResult:
    """Judge the champion up to a day, and do what the policy says.

    Args:
        spec: The use case.
        as_of: The day.
        pipeline_run: The run that judges.
        dry_run: Judge and report, but neither roll back nor stop.

    Raises:
        PermanentError: there is no champion, or it has scored nothing.
    """
    here = _watched(spec)
    scored, labelled = _scored(spec, here, as_of)
    dated = Dated(watched(spec, scored, scored["score"].to_numpy()), scored[DAY])
    windows = newest_windows(spec, here.profile, dated, scored[DAY].max())
    newest = windows[-1]
    past = qualities(spec, here.evaluation, here.reliability, here.profile, labelled.rows,
                     until=spec.matured_until(as_of), count=_HISTORY)  # fmt: skip
    service = operations(spec, newest.first_day, newest.last_day)
    diagnosis = _diagnosis(spec, here, dated, newest, service, past)
    scores = newest.rows["score"].to_numpy(dtype=float)
    said = foretold(spec, here.evaluation, here.reliability, scores)
    rivals = beside(spec, rivals_of(spec, here.now, as_of), labelled.rows)
    evidence = Evidence(
        as_of=as_of,
        drift=drift_facts(spec, here.profile, windows),
        cause=diagnosis.cause,
        cause_said="; ".join(diagnosis.evidence),
        truth=_performance(spec, here, past[-1].seen, past[-1].first_day, past[-1].last_day, past[-1].rows)
        if past
        else None,
        estimate=_performance(spec, here, said, newest.first_day, newest.last_day, len(newest.rows)),
        before=_against_previous(here, rivals),
        held=f"v{here.champion.version} is pinned" if here.now.pin else "",
        unfair=_unfair(spec, fairness(spec, here.evaluation, labelled.rows, until=spec.matured_until(as_of))),
        operations=service.wrong(spec.serving),
        attempts=attempts(spec, Journal(spec.name).state(), as_of=as_of).get(DEFAULT_KEY, ()),
    )
    word = verdict(evidence, spec.policy, window_days=spec.monitoring.window_days)
    found = Findings(
        version=here.champion.version,
        first_day=newest.first_day,
        last_day=newest.last_day,
        diagnosis=diagnosis,
        operations=service,
        qualities=tuple(past),
        foretold=said,
        rivals=tuple(each.comparison for each in rivals),
        aside=tuple(labelled.said),
        waiting=labelled.waiting,
        verdict=word,
    )
    run_id = _record(spec, here, windows, found, pipeline_run)
    _keep(spec, here, found, rivals, len(newest.rows))
    done = respond(spec, word, key=DEFAULT_KEY, run=pipeline_run, at=business_time(as_of), dry_run=dry_run)
    return MonitorResult(word, diagnosis.cause, run_id, REPORT, done)


def _watched(spec: Classification) -> Watched:
    now = Journal(spec.name).state().of(DEFAULT_KEY)
    champion = now.decides
    if champion is None:
        raise _nothing(spec, "a champion", "none")
    return Watched(
        now,
        champion,
        registry.classification_of(champion),
        tracking.load_record(champion.run_id, PROFILE, ReferenceProfile),
        tracking.load_record(champion.run_id, RELIABILITY, Reliability),
    )


def _scored(spec: Classification, here: Watched, as_of: dt.date) -> tuple[pd.DataFrame, JoinedTruth]:
    """Return the raw rows that the champion has scored, with its scores, and those whose truth is known."""
    first = here.evaluation.snapshot.last_day + dt.timedelta(days=1)
    if (released := released_on(spec, DEFAULT_KEY)) is not None:
        first = max(first, released)  # whoever switched it on has looked at what came before
    key, target = spec.contract.key, spec.contract.target
    columns = [DAY, key, "score", "model_version"]
    log = Table(spec.name, PREDICTIONS).read(first_day=first, last_day=as_of, columns=columns)
    log = log.loc[log["model_version"] == here.champion.version] if len(log) else log
    if log.empty:
        raise _nothing(spec, f"predictions of v{here.champion.version} from {first} to {as_of}", "none")
    rows = snapshots.rows_between(spec, first, as_of, as_of=as_of)
    scored = rows.merge(log.drop(columns="model_version"), on=[DAY, key], how="inner")
    oldest = as_of - dt.timedelta(days=spec.retention_days)
    truth = Table(spec.name, TRUTH).read(first_day=first, last_day=as_of)
    return scored, join(scored, truth, key=key, target=target, known_at=business_time(as_of), oldest=oldest)


def _diagnosis(
    spec: Classification, here: Watched, dated: Dated, newest: Window, service: Operations, past: Sequence[Quality]
) -> Diagnosis:
    """Return why the newest window differs; where it bears no fault, the truth of an earlier one may say more."""
    found = diagnose(here.profile, newest.seen, newest.drift, delivery=service.delivery)
    if found.fault or not past:
        return found
    first, last = past[-1].first_day, past[-1].last_day
    then = judged(spec, here.profile, dated.between(first, last), first, last)
    earlier = diagnose(here.profile, then.seen, then.drift, promises=past[-1].promises)
    return earlier if earlier.cause == "concept" else found


def _performance(
    spec: Classification, here: Watched, seen: dict[str, Estimate], first_day: dt.date, last_day: dt.date, rows: int
) -> Performance | None:
    name = spec.primary_metric
    if name not in seen:
        return None
    return Performance(
        metric=name, higher_is_better=HIGHER_IS_BETTER[name], promised=here.evaluation.metrics[name].value,
        seen=seen[name], first_day=first_day, last_day=last_day, rows=rows,
    )  # fmt: skip


def _against_previous(here: Watched, rivals: Sequence[Rival]) -> Comparison | None:
    return next((each.comparison for each in rivals if each.ref == here.now.previous), None)


def _unfair(spec: Classification, seen: Sequence[FairnessResult]) -> tuple[str, ...]:
    limits = {rule.column: rule.min_ratio for rule in spec.gates.fairness}
    return tuple(
        f"by {each.column} the worst group's favourable rate is {each.parity_ratio} of the best's, at least "
        f"{limits[each.column]:g} is required"
        for each in seen
        if each.parity_ratio.high < limits[each.column]
    )


def _record(spec: Classification, here: Watched, windows: Sequence[Window], found: Findings, pipeline_run: str) -> str:
    newest, word = windows[-1], found.verdict
    run_id = tracking.child_run(here.champion.run_id, f"monitor {newest.last_day}", pipeline_run=pipeline_run)
    tracking.log_metrics(run_id, {"rows": newest.drift.rows, "drifted": len(newest.drift.drifted)})
    tracking.log_metrics(run_id, {f"effect_{each.column}": min(each.effect, 1e6) for each in newest.drift.columns})
    tracking.log_record(run_id, "drift.json", newest.drift)
    tracking.log_record(run_id, VERDICT, found)
    params = {"verdict": word.word, "cause": found.diagnosis.cause, "reason": word.reason[:500]}
    tracking.log_params(run_id, {**params, "model_version": found.version})
    tracking.log_report(run_id, REPORT, monitor_report(spec, here.profile, windows, found))
    tracking.close_run(run_id)
    return run_id


def _keep(spec: Classification, here: Watched, found: Findings, rivals: Sequence[Rival], rows: int) -> None:
    """Put what champion and rivals have shown into the evaluation store."""
    name, word = spec.primary_metric, found.verdict.word
    said = [(here.champion, WindowEvaluation(
        source="estimate", first_day=found.first_day, last_day=found.last_day, rows=rows, metrics=found.foretold,
        verdict=word,
    ))] if name in found.foretold else []  # fmt: skip
    said += [(here.champion, WindowEvaluation(
        source="online", first_day=each.first_day, last_day=each.last_day, rows=each.rows, metrics=each.seen,
    )) for each in found.qualities[-1:] if name in each.seen]  # fmt: skip
    for ref, evaluation in (*said, *((each.ref, each.showed) for each in rivals)):
        evaluations.record(spec, DEFAULT_KEY, ref, evaluation)


def _nothing(spec: Classification, expected: str, seen: str) -> PermanentError:
    return PermanentError(
        expected=expected, seen=seen, where=f"monitor of {spec.name}", next_step=f"run {spec.name}_score first"
    )
