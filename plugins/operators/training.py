"""Operators of the train DAG, and the one that asks for a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.classification import Classification
from include.naming import DEFAULT_KEY
from plugins.context import originator, partition_day, pipeline_run, triggering_extra
from plugins.operators.step import StepOperator


class RetrainingRequestOperator(StepOperator):
    """Ask for a training by emitting the retraining asset, saying why and on whose behalf.

    Args:
        reason: Why; where it renders to nothing the task skips, and nothing is asked for.
        drift_confirmed: What drifted, where that is the reason; it lets a refresh be enough.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "reason", "drift_confirmed")

    def __init__(self, *, reason: str, drift_confirmed: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason, self.drift_confirmed = reason, drift_confirmed

    def step(self, spec: Classification, context: Any) -> str:
        """Return the reason."""
        if not self.reason:
            raise AirflowSkipException("there is no reason to retrain")
        partition_day(context)  # an event without a day would wake nobody, and nobody would know
        asked_by = originator(context, spec)
        self.log.info("asking for a training: %s (%s)", self.reason, asked_by)
        self.emit(context, reason=self.reason, drift_confirmed=self.drift_confirmed, **asked_by.extra())
        return self.reason


class SnapshotOperator(StepOperator):
    """Open the parent MLflow run and name the rows that this training sees."""

    def step(self, spec: Classification, context: Any) -> str:
        """Return the parent run's id."""
        from include.models import training
        from include.monitor_ops.response import stopped

        if why := stopped(spec).get(DEFAULT_KEY):
            raise AirflowSkipException(f"stopped by the monitor, so nothing is trained: {why}")
        run, who = context["dag_run"], originator(context, spec)
        run_id = training.prepare(
            spec,
            as_of=partition_day(context),
            pipeline_run=pipeline_run(context),
            originator=who.name,
            originator_source=who.source,
            reason=triggering_extra(context, "reason") or context["params"].get("reason") or "by hand",
            try_number=context["ti"].try_number,
            airflow={
                "dag_id": run.dag_id,
                "run_id": run.run_id,
                "drift_confirmed": triggering_extra(context, "drift_confirmed"),
            },
        )
        self.link_run(run_id)
        return run_id


class _TrainingOperator(StepOperator):
    """A step of a training that works under the parent run ``run_id``."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id


class SearchOperator(_TrainingOperator):
    """Try the configurations of one family of models under the shared budget; mapped over the families."""

    template_fields: Sequence[str] = (*_TrainingOperator.template_fields, "family")

    def __init__(self, *, family: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.family = family

    def step(self, spec: Classification, context: Any) -> str:
        """Return the child run's id."""
        from include.models import training

        context["family"] = self.family
        batch = next(batch for batch in training.search_batches(spec) if batch["family"] == self.family)
        child_id = training.search(spec, self.run_id, batch)
        self.link_run(child_id)
        return child_id


class FitOperator(_TrainingOperator):
    """Fit and calibrate the best configuration of each family, and pack the models."""

    def step(self, spec: Classification, context: Any) -> None:
        """Log the packed models under the parent run."""
        from include.models import training

        self.link_run(self.run_id)
        self.log.info("fitted %s", training.fit(spec, self.run_id))


class EvaluateOperator(_TrainingOperator):
    """Judge the best family on the fresh rows, beside champion and baselines, and register it as the candidate."""

    def step(self, spec: Classification, context: Any) -> int:
        """Return the candidate's version."""
        from include.deployment.journal import Journal
        from include.models import training
        from include.naming import DEFAULT_KEY

        journal = Journal(spec.name)
        state = journal.state().keys.get(DEFAULT_KEY)
        evaluation = training.evaluate(
            spec,
            self.run_id,
            champion=state.champion if state else None,
            champion_sequence=journal.sequence(),
            champion_since=state.champion_since.date() if state and state.champion_since else None,
            drift_confirmed=training.drift_confirmed(self.run_id),
        )
        self.link_run(self.run_id, "report.html")
        self.log.info(
            "candidate %s: route %s, failed gates %s", evaluation.model, evaluation.route, evaluation.failed_gates
        )
        self.emit(
            context,
            mlflow_run=self.run_id,
            version=evaluation.model.version,
            originator=evaluation.originator,
            originator_source=evaluation.originator_source,
        )
        return evaluation.model.version
