"""Operators of use cases with a model for each key: train keys in fat batches, name what broke, test and promote."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowSkipException

from include.clock import deciding_moment
from include.errors import PermanentError
from include.forecast import Forecast
from include.spec import DatasetUseCase
from plugins.context import originator, partition_day, pipeline_run, triggering_extra
from plugins.operators.step import StepOperator


def training_of(spec: DatasetUseCase) -> ModuleType:
    """Return the training of the spec's kind: ``prepare``, ``train``, ``concerned``, ``check`` and what a key is."""
    if isinstance(spec, Forecast):
        from include.forecast_ops import training

        return training
    from include.recommend_ops import training as of_recommenders

    return of_recommenders


class KeysSnapshotOperator(StepOperator):
    """Open the parent MLflow run, and say which keys are trained: all, or those that the watch has named."""

    def step(self, spec: DatasetUseCase, context: Any) -> str:
        """Return the parent run's id."""
        from include.monitor_ops.inputs import refuse_wrong
        from include.monitor_ops.response import stopped

        training, run = training_of(spec), context["dag_run"]
        who, as_of = originator(context, spec), partition_day(context)
        refuse_wrong(spec, as_of)
        drift = triggering_extra(context, "drift_confirmed")
        wanted = training.concerned(spec, as_of) if drift else spec.keys
        held = stopped(spec)
        keys = [key for key in wanted if key not in held]
        if not keys:
            raise AirflowSkipException(
                f"no {training.WHAT} was named by the watch of {as_of}, or all that were are stopped: {list(wanted)}"
            )
        run_id = training.prepare(
            spec,
            as_of=as_of,
            keys=keys,
            pipeline_run=pipeline_run(context),
            originator=who.name,
            originator_source=who.source,
            reason=triggering_extra(context, "reason") or context["params"].get("reason") or "by hand",
            try_number=context["ti"].try_number,
            airflow={"dag_id": run.dag_id, "run_id": run.run_id, "drift_confirmed": drift},
            family=context["params"].get("family") or "",
        )
        self.link_run(run_id)
        return run_id


class TrainKeysOperator(StepOperator):
    """Choose, fit, judge and register the models of a batch of keys; mapped over the batches."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id", "keys")

    def __init__(self, *, run_id: Any, keys: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id, self.keys = run_id, keys

    def step(self, spec: DatasetUseCase, context: Any) -> int:
        """Return how many keys broke; the others have a version, and the last task names the broken ones."""
        from include.models.keyed import trained_keys

        training = training_of(spec)
        context["keys"] = ", ".join(self.keys)
        self.link_run(self.run_id)
        if not set(self.keys) & set(trained_keys(self.run_id)):
            raise AirflowSkipException(f"none of these is trained now: {', '.join(self.keys)}")
        broken = training.train(spec, self.run_id, self.keys)
        for key, error in broken.items():
            self.log.error("%s %s broke: %s", training.WHAT, key, error)
        return len(broken)


class KeyCandidatesOperator(StepOperator):
    """Publish the candidate asset for the keys that have a new version."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    def step(self, spec: DatasetUseCase, context: Any) -> int:
        """Return how many keys have a candidate."""
        from include.models import keyed, tracking

        what = training_of(spec).WHAT
        made, broken = keyed.outcome(spec, self.run_id, what=what)
        tracking.log_json(
            self.run_id, "outcome.json", {"made": {k: r.version for k, r in made.items()}, "broken": broken}
        )
        self.link_run(self.run_id, "outcome.json")
        if not made:
            raise PermanentError(
                expected=f"a version of at least one {what}", seen=f"all broke: {broken}",
                where=f"MLflow run {self.run_id}", next_step=f"read the first error; every {what} keeps its champion",
            )  # fmt: skip
        self.emit(context, mlflow_run=self.run_id, keys=",".join(made), **originator(context, spec).extra())
        tracking.close_run(self.run_id)
        return len(made)


class BrokenKeysOperator(StepOperator):
    """Fail, for the on-call's eyes, where the training of some keys broke; the others went on before it."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    def step(self, spec: DatasetUseCase, context: Any) -> None:
        """Name every broken key with its error.

        Raises:
            PermanentError: some keys broke.
        """
        from include.models import tracking

        self.link_run(self.run_id)
        broken, what = tracking.load_json(self.run_id, "outcome.json")["broken"], training_of(spec).WHAT
        if broken:
            raise PermanentError(
                expected=f"every {what} to be trained",
                seen="; ".join(f"{what} {key}: {error}" for key, error in broken.items()),
                where=f"MLflow run {self.run_id}",
                next_step="these keep their champion; mend the cause, and ask for a training again",
            )


class KeysPromotionOperator(StepOperator):
    """Test the newest candidates in a clean process, and make those that passed champions, all in one journal entry."""

    ui_color = "#e4f5e8"

    def step(self, spec: DatasetUseCase, context: Any) -> int:
        """Return the journal sequence; skips with the reasons where no key moves, or the window is closed."""
        from include.deployment.newest import promote_newest
        from include.models import registry

        as_of, training = partition_day(context), training_of(spec)
        outcome = promote_newest(
            spec,
            as_of=as_of,
            at=deciding_moment(spec, as_of, given=context["params"].get("at"), now=timezone.utcnow()),
            run=pipeline_run(context),
            check=lambda refs: training.check(spec, refs),
        )
        self.log.info("%s; left: %s", outcome.reason, dict(outcome.left))
        if outcome.entry is None:
            raise AirflowSkipException(
                "; ".join([outcome.reason, *(f"{key}: {why}" for key, why in outcome.left.items())])
            )
        moved = next(
            ref for key in spec.keys if (ref := outcome.entry.state.of(key).champion) and key not in outcome.left
        )
        self.link_run(moved.run_id)
        evaluation = registry.evaluation_of(moved)
        self.emit(
            context,
            sequence=outcome.entry.sequence,
            originator=evaluation.originator,
            originator_source=evaluation.originator_source,
        )
        return outcome.entry.sequence
