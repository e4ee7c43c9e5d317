"""Operators of the ingest DAG."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

from include.forecast import Forecast
from include.recommendation import Recommendation
from include.spec import DatasetUseCase, UseCase
from plugins.context import originator, partition_day, pipeline_run
from plugins.operators.step import StepOperator

if TYPE_CHECKING:
    from include.classification import Classification
    from include.data.ingest import IngestResult


class IngestOperator(StepOperator):
    """Land a day, or the days from ``first_day`` on, in the tables of the use case; publish the data asset.

    The contract stops a broken batch before anything is written, and puts broken rows into quarantine.
    """

    def step(self, spec: UseCase, context: Any) -> str:
        """Return the digest of what was landed."""
        landed = self._land(spec, *_days(context), pipeline_run(context))
        self.log.info("landed %s", landed)
        self.emit(
            context,
            rows=landed.rows,
            quarantined=landed.quarantined,
            table_version=landed.rows_version,
            digest=landed.digest,
            **originator(context, spec).extra(),
        )
        return landed.digest

    def _land(self, spec: UseCase, first_day: dt.date, last_day: dt.date, run: str) -> IngestResult:
        if isinstance(spec, DatasetUseCase):
            from include.data.readings import ingest_readings

            return ingest_readings(spec, first_day=first_day, last_day=last_day, run=run)
        from include.data.ingest import ingest

        return ingest(cast("Classification", spec), first_day=first_day, last_day=last_day, run=run)


class ProfileOperator(StepOperator):
    """Describe what was landed and compare it with the days before, as a report with plots."""

    def step(self, spec: UseCase, context: Any) -> str:
        """Return the MLflow run that holds the report."""
        run_id = self._publish(spec, *_days(context), pipeline_run(context))
        self.link_run(run_id, "report.html")
        self.links["Quarantine"] = self.links["Report"].replace("report.html", "quarantine.html")
        return run_id

    def _publish(self, spec: UseCase, first_day: dt.date, last_day: dt.date, run: str) -> str:
        if isinstance(spec, Forecast):
            from include.data.readings_profile import publish_readings_profile

            return publish_readings_profile(spec, first_day=first_day, last_day=last_day, run=run)
        if isinstance(spec, Recommendation):
            from include.recommend_ops.purchases_profile import publish_purchases_profile

            return publish_purchases_profile(spec, first_day=first_day, last_day=last_day, run=run)
        from include.data.profiles import publish_profile

        return publish_profile(cast("Classification", spec), first_day=first_day, last_day=last_day, run=run)


def _days(context: Any) -> tuple[dt.date, dt.date]:
    """Return the form's first day, or the partition's own where none was given, and the partition's day."""
    last_day, given = partition_day(context), context["params"].get("first_day")
    return dt.date.fromisoformat(given) if given else last_day, last_day
