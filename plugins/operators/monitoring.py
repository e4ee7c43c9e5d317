"""Operators of the score and monitor DAGs."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.classification import Classification
from include.clock import business_time
from plugins.context import originator, partition_day, pipeline_run
from plugins.operators.step import StepOperator


class ScoreOperator(StepOperator):
    """Score what the champion has not scored yet, into the prediction log; skips where there is no champion."""

    def step(self, spec: Classification, context: Any) -> int:
        """Return the number of rows scored."""
        from include.serving.batch import score_pending

        as_of = partition_day(context)
        scored = score_pending(spec, as_of=as_of, pipeline_run=pipeline_run(context), at=business_time(as_of))
        self.log.info("scored: %s", scored)
        if scored.skipped:
            raise AirflowSkipException(scored.skipped)
        self.emit(
            context,
            rows=scored.rows,
            version=scored.version,
            sequence=scored.sequence,
            **originator(context, spec).extra(),
        )
        return scored.rows


class DriftDetectionOperator(StepOperator):
    """Compare the newest window with the champion's reference profile; the verdict is one word with its evidence.

    Usable in any DAG.

    Args:
        dry_run: Report, but confirm nothing: the verdict is shown and no retraining is asked for.
    """

    ui_color = "#fdf3e1"

    def __init__(self, *, dry_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dry_run = dry_run

    def step(self, spec: Classification, context: Any) -> str:
        """Return the reason to retrain, or an empty text."""
        from include.monitor_ops.monitor import monitor

        seen = monitor(spec, as_of=partition_day(context), pipeline_run=pipeline_run(context))
        self.link_run(seen.run_id, seen.report)
        self.log.info("%s: %s", seen.verdict, seen.reason)
        return seen.reason if seen.confirmed and not self.dry_run else ""
