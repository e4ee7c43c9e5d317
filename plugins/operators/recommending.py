"""Operators of a recommendation: publish lists, watch what came of them, run an experiment on recorded days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, timezone
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from include.clock import deciding_moment
from plugins.context import originator, partition_day, pipeline_run
from plugins.operators.step import StepOperator

if TYPE_CHECKING:
    from include.recommendation import Recommendation


class PublishListsOperator(StepOperator):
    """Write the lists of the day after the partition's: for every household, and for the campaigns that run.

    They go into tables, and into PostgreSQL where a connection ``<use case>_lists`` is set.
    """

    ui_color = "#e6f0fb"

    def step(self, spec: Recommendation, context: Any) -> int:
        """Return the number of rows."""
        from include.recommend_ops.publishing import REPORT, publish

        as_of = partition_day(context)
        published = publish(
            spec,
            as_of=as_of,
            at=deciding_moment(spec, as_of, given=context["params"].get("at"), now=timezone.utcnow()),
            pipeline_run=pipeline_run(context),
            dsn=self._dsn(spec),
        )
        if not published.rows:
            raise AirflowSkipException(published.said)
        self.link_run(published.run_id, REPORT)
        self.log.info("%s", published.said)
        self.emit(context, rows=published.rows, sequence=published.sequence, **originator(context, spec).extra())
        return published.rows

    def _dsn(self, spec: Recommendation) -> str:
        name = f"{spec.name}_lists"
        try:
            found = BaseHook.get_connection(name)
        except AirflowNotFoundException:
            self.log.info("no connection '%s': the lists are on S3 alone", name)
            return ""
        given = {"host": found.host, "port": found.port, "user": found.login, "password": found.password,
                 "dbname": found.schema}  # fmt: skip
        from psycopg.conninfo import make_conninfo

        return make_conninfo(**{key: value for key, value in given.items() if value})


class WatchListsOperator(StepOperator):
    """Compare the lists of the day before with what was bought; take a champion back that lost to its predecessor."""

    ui_color = "#fdf3e1"

    def step(self, spec: Recommendation, context: Any) -> str:
        """Return the verdict in a sentence."""
        from include.recommend_ops.watch import REPORT, watch

        as_of = partition_day(context)
        seen = watch(
            spec,
            as_of=as_of,
            at=deciding_moment(spec, as_of, given=None, now=timezone.utcnow()),
            pipeline_run=pipeline_run(context),
        )
        if not seen.run_id:
            raise AirflowSkipException(seen.said)
        self.link_run(seen.run_id, REPORT)
        self.log.info("%s", seen.said)
        return seen.said


class ReleaseOperator(StepOperator):
    """Wake the deployment when the promotion window opens, for candidates that had to wait for it."""

    def step(self, spec: Recommendation, context: Any) -> None:
        """Emit the candidate key."""
        partition_day(context)
        self.emit(context, **originator(context, spec).extra())


class ExperimentOperator(StepOperator):
    """Plan an experiment, replay it on recorded days, and read it out day by day."""

    def step(self, spec: Recommendation, context: Any) -> str:
        """Return the decision in a sentence."""
        from include.recommend_ops.experiment import REPORT, Design, run_experiment

        given = context["params"]
        design = Design(
            name=given["name"], market=given["key"], champion=given["champion"], challenger=given["challenger"],
            task=given["task"], first_day=partition_day(context), days=given["days"], effect=given["effect"],
        )  # fmt: skip
        found = run_experiment(spec, design, pipeline_run=pipeline_run(context))
        self.link_run(found.run_id, REPORT)
        self.log.info("%s", found.said)
        return found.said
