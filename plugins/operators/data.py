"""Operators of the ingest DAG."""

from __future__ import annotations

import datetime as dt
from typing import Any

from include.classification import Classification
from plugins.context import originator, partition_day, pipeline_run
from plugins.operators.step import StepOperator


class IngestOperator(StepOperator):
    """Land a day, or the days from ``first_day`` on, in the tables; publish the data asset.

    The contract stops a broken batch before anything is written, and puts broken rows into quarantine.
    """

    def step(self, spec: Classification, context: Any) -> str:
        """Return the digest of what was landed."""
        from include.data.ingest import ingest

        last_day = partition_day(context)
        landed = ingest(spec, first_day=first_day(context, last_day), last_day=last_day, run=pipeline_run(context))
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


class ProfileOperator(StepOperator):
    """Describe what was landed and compare it with the days before, as a report with plots."""

    def step(self, spec: Classification, context: Any) -> str:
        """Return the MLflow run that holds the report."""
        from include.data.profiles import publish_profile

        last_day = partition_day(context)
        run_id = publish_profile(
            spec, first_day=first_day(context, last_day), last_day=last_day, run=pipeline_run(context)
        )
        self.link_run(run_id, "report.html")
        self.links["Quarantine"] = self.links["Report"].replace("report.html", "quarantine.html")
        return run_id


def first_day(context: Any, last_day: dt.date) -> dt.date:
    """Return the form's first day, or the partition's own day where none was given."""
    given = context["params"].get("first_day")
    return dt.date.fromisoformat(given) if given else last_day
