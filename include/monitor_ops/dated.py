"""The monitor of what comes into a grid or a shop, and of what a shop's lists bring.

How good each forecast was, and whether a champion lost to the one before it, is for their own watch to say.
"""

from __future__ import annotations

import datetime as dt

from include.clock import business_time
from include.deployment.journal import Journal
from include.models import tracking
from include.monitor_ops.inputs import inputs, keys_of
from include.monitor_ops.monitor import REPORT, VERDICT, MonitorResult
from include.monitor_ops.monitor_report import inputs_report
from include.monitor_ops.response import respond
from include.monitoring.evidence import Evidence
from include.monitoring.verdict import verdict
from include.spec import DatasetUseCase


def monitor_inputs(
    spec: DatasetUseCase, *, as_of: dt.date, pipeline_run: str, dry_run: bool = False
) -> MonitorResult | None:
    """Judge what came up to a day, and do what the policy says; none where there is no champion yet.

    Args:
        spec: The use case.
        as_of: The day.
        pipeline_run: The run that judges.
        dry_run: Judge and report, and stop nothing.

    Raises:
        TransientError: a service is away; run it again.
    """
    seen = inputs(spec, as_of)
    if seen is None:
        return None
    diagnosis, newest = seen.diagnosis, seen.windows[-1]
    evidence = Evidence(
        as_of=as_of,
        drift=seen.drift,
        cause=diagnosis.cause,
        cause_said="; ".join(diagnosis.evidence),
        truth=seen.truth,
        operations=seen.operations.wrong(spec.serving),
    )
    word = verdict(evidence, spec.policy, window_days=spec.monitoring.window_days)
    champion = Journal(spec.name).state().of(spec.keys[-1]).decides
    run_id = tracking.run_under(champion, spec.name, f"inputs {newest.last_day}", pipeline_run=pipeline_run)
    tracking.log_metrics(run_id, {"rows": newest.drift.rows, "drifted": len(newest.drift.drifted)})
    tracking.log_params(run_id, {"verdict": word.word, "cause": diagnosis.cause, "reason": word.reason[:500]})
    tracking.log_record(run_id, "drift.json", newest.drift)
    tracking.log_record(run_id, VERDICT, word)
    tracking.log_report(run_id, REPORT, inputs_report(spec, seen, word))
    tracking.close_run(run_id)
    keys = keys_of(spec, diagnosis)
    done = [
        respond(spec, word, key=key, run=pipeline_run, at=business_time(as_of), dry_run=dry_run)
        for key in (keys if word.word == "stop" else ())
    ]
    return MonitorResult(word, diagnosis.cause, run_id, REPORT, "; ".join(filter(None, done)))
