"""Operators of the score and monitor DAGs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import AirflowSkipException

from include.classification import Classification
from include.clock import business_time
from include.errors import PermanentError
from include.spec import DatasetUseCase, UseCase
from plugins.context import originator, partition_day, pipeline_run
from plugins.operators.step import StepOperator

if TYPE_CHECKING:
    from include.monitor_ops.monitor import MonitorResult

CALL = "call"


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
    """Judge the champion's newest windows against its reference, and its quality against what was promised.

    The verdict is one word with its evidence. A rollback or a stop is done at once, under the spec's policy; a training
    is only asked for, by whoever reads what this returns. Usable in any DAG.

    Args:
        dry_run: Judge and report, and do nothing: the verdict is shown and no retraining is asked for.
    """

    ui_color = "#fdf3e1"

    def __init__(self, *, dry_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dry_run = dry_run

    def step(self, spec: UseCase, context: Any) -> str:
        """Return the reason to retrain, or an empty text; under the key ``call`` why the team is called."""
        as_of, run = partition_day(context), pipeline_run(context)
        seen = self._judged(spec, as_of, run)
        if seen is None:
            raise AirflowSkipException(f"{spec.name} has no champion yet, so there is nothing to compare with")
        self.link_run(seen.run_id, seen.report)
        self.log.info("%s: %s%s", seen.verdict.word, seen.verdict.reason, f" ({seen.done})" if seen.done else "")
        called = seen.verdict.call and not self.dry_run
        context["ti"].xcom_push(key=CALL, value=seen.verdict.reason if called else "")
        return seen.verdict.reason if seen.verdict.word == "retrain" and not self.dry_run else ""

    def _judged(self, spec: UseCase, as_of: dt.date, run: str) -> MonitorResult | None:
        if isinstance(spec, Classification):
            from include.monitor_ops.monitor import monitor

            return monitor(spec, as_of=as_of, pipeline_run=run, dry_run=self.dry_run)
        from include.monitor_ops.dated import monitor_inputs

        return monitor_inputs(cast(DatasetUseCase, spec), as_of=as_of, pipeline_run=run, dry_run=self.dry_run)


class CallOperator(StepOperator):
    """Call the team by failing with the monitor's own sentence; skips where nobody has to look.

    Args:
        reason: Why; where it renders to nothing the task skips.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "reason")

    def __init__(self, *, reason: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def step(self, spec: UseCase, context: Any) -> None:
        """Fail, or skip.

        Raises:
            PermanentError: somebody has to look.
        """
        if not self.reason:
            raise AirflowSkipException("nobody has to be called")
        raise PermanentError(
            expected="a champion that nobody has to look at",
            seen=self.reason,
            where=f"monitor of {spec.name} on {partition_day(context)}",
            next_step="open the monitor's report, which names the columns and what to do; a stop is lifted by "
            f"{spec.name}_switch",
        )
