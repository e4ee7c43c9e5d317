"""Operators of a forecast: train series in fat batches, test and promote them, issue, watch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.clock import business_time
from include.errors import PermanentError
from include.forecast import Forecast
from plugins.context import originator, partition_day, pipeline_run, triggering_extra
from plugins.operators.step import StepOperator


class SeriesSnapshotOperator(StepOperator):
    """Open the parent MLflow run, and say which series are trained: all, or those that the watch has named."""

    def step(self, spec: Forecast, context: Any) -> str:
        """Return the parent run's id."""
        from include.forecast_ops import training
        from include.forecast_ops.watch import flagged

        run, who, as_of = context["dag_run"], originator(context, spec), partition_day(context)
        drift = triggering_extra(context, "drift_confirmed")
        keys = flagged(spec, as_of) if drift else spec.keys
        if not keys:
            raise AirflowSkipException(f"no series was named by the watch of {as_of}")
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
        )
        self.link_run(run_id)
        return run_id


class TrainSeriesOperator(StepOperator):
    """Backtest, choose, fit and register the forecasters of a batch of series; mapped over the batches."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id", "keys")

    def __init__(self, *, run_id: Any, keys: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id, self.keys = run_id, keys

    def step(self, spec: Forecast, context: Any) -> int:
        """Return how many series broke; the others have a version, and the last task names the broken ones."""
        from include.forecast_ops import training

        context["keys"] = ", ".join(self.keys)
        self.link_run(self.run_id)
        if not set(self.keys) & set(training.trained_keys(self.run_id)):
            raise AirflowSkipException("none of these series is trained now")
        broken = training.train(spec, self.run_id, self.keys)
        for key, error in broken.items():
            self.log.error("series %s broke: %s", key, error)
        return len(broken)


class CandidatesOperator(StepOperator):
    """Publish the candidate asset for the series that have a new version."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    def step(self, spec: Forecast, context: Any) -> int:
        """Return how many series have a candidate."""
        from include.forecast_ops import training
        from include.models import tracking

        made, broken = training.outcome(spec, self.run_id)
        tracking.log_json(
            self.run_id, "outcome.json", {"made": {k: r.version for k, r in made.items()}, "broken": broken}
        )
        self.link_run(self.run_id, "outcome.json")
        if not made:
            raise PermanentError(
                expected="a version of at least one series", seen=f"all broke: {broken}",
                where=f"MLflow run {self.run_id}", next_step="read the first error; every series keeps its champion",
            )  # fmt: skip
        self.emit(context, mlflow_run=self.run_id, series=",".join(made), **originator(context, spec).extra())
        tracking.close_run(self.run_id)
        return len(made)


class BrokenSeriesOperator(StepOperator):
    """Fail, for the on-call's eyes, where the training of some series broke; the others went on before it."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    def step(self, spec: Forecast, context: Any) -> None:
        """Name every broken series with its error.

        Raises:
            PermanentError: some series broke.
        """
        from include.models import tracking

        self.link_run(self.run_id)
        broken = tracking.load_json(self.run_id, "outcome.json")["broken"]
        if broken:
            raise PermanentError(
                expected="every series to be trained",
                seen="; ".join(f"series {key}: {error}" for key, error in broken.items()),
                where=f"MLflow run {self.run_id}",
                next_step="these series keep their champion; mend the cause, and ask for a training again",
            )


class SeriesPromotionOperator(StepOperator):
    """Test the newest candidates in a clean process, and make those that passed champions, all in one journal entry."""

    ui_color = "#e4f5e8"

    def step(self, spec: Forecast, context: Any) -> int:
        """Return the journal sequence; skips with the reasons where no series moves."""
        from include.deployment.journal import Journal
        from include.deployment.promotion import promote_many
        from include.forecast_ops.clean_check import check
        from include.models import registry

        as_of, state = partition_day(context), Journal(spec.name).state()
        found = {}
        for key in spec.keys:
            champion = state.of(key).champion
            newest = registry.newest(spec, as_of, key=key)
            if newest is not None and newest != champion:
                found[key] = newest
        if not found:
            raise AirflowSkipException(f"no series has a candidate as of {as_of}")
        wanted = {key: ref for key, ref in found.items() if registry.evaluation_of(ref).route is not None}
        if wanted:
            check(spec, wanted)
        outcome = promote_many(spec, found, run=pipeline_run(context), at=business_time(as_of))
        self.log.info("%s; left: %s", outcome.reason, dict(outcome.left))
        if outcome.entry is None:
            raise AirflowSkipException(f"{outcome.reason}: {dict(outcome.left)}")
        first = next(iter(found.values()))
        self.link_run(first.run_id)
        evaluation = registry.evaluation_of(first)
        self.emit(
            context,
            sequence=outcome.entry.sequence,
            originator=evaluation.originator,
            originator_source=evaluation.originator_source,
        )
        return outcome.entry.sequence


class IssueForecastOperator(StepOperator):
    """Issue the forecast of the partition's gate closure: all series, the whole horizon, with bands."""

    ui_color = "#e6f0fb"

    def step(self, spec: Forecast, context: Any) -> int:
        """Return the number of rows issued."""
        from include.forecast_ops.issue import REPORT, issue

        issued = issue(spec, as_of=partition_day(context), pipeline_run=pipeline_run(context))
        self.link_run(issued.run_id, REPORT)
        for key, why in issued.fallen_back.items():
            self.log.warning("series %s fell back: %s", key, why)
        if issued.gaps:
            self.log.warning("hours of the last week that were not known, by series: %s", issued.gaps)
        if issued.no_band:
            self.log.warning("no band: %s", issued.no_band)
        self.emit(context, rows=len(issued.rows), sequence=issued.sequence, **originator(context, spec).extra())
        return len(issued.rows)


class WatchForecastOperator(StepOperator):
    """Judge the newest forecasts whose truth is known; the verdict names the series to train anew."""

    ui_color = "#fdf3e1"

    def step(self, spec: Forecast, context: Any) -> str:
        """Return the reason to retrain, or an empty text."""
        from include.forecast_ops.watch import REPORT, watch

        seen = watch(spec, as_of=partition_day(context), pipeline_run=pipeline_run(context))
        if seen.verdict == "not judged" and not seen.run_id:
            raise AirflowSkipException(seen.reason)
        self.link_run(seen.run_id, REPORT)
        self.log.info("%s: %s", seen.verdict, seen.reason or "nothing to say")
        return seen.reason
