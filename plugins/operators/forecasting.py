"""Operators of a forecast: issue it, and watch what comes of it."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.forecast import Forecast
from plugins.context import originator, partition_day, pipeline_run
from plugins.operators.step import StepOperator


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
