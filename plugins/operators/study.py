"""Operators of the study of how often to retrain: plan, fit in chunks, conclude."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from include.spec import UseCase
from plugins.context import pipeline_run
from plugins.operators.step import StepOperator


class OpenStudyOperator(StepOperator):
    """Plan the windows from the form, and open the study's MLflow run."""

    def step(self, spec: UseCase, context: Any) -> str:
        """Return the run's id."""
        from include.monitor_ops.study import Asked, open_study

        given = context["params"]
        asked = Asked(
            first_day=_day(given["first_day"]),
            last_day=_day(given["last_day"]),
            window_days=given["window_days"],
            every=[int(each) for each in given["every"]],
        )
        run_id = open_study(spec, asked, pipeline_run=pipeline_run(context))
        self.link_run(run_id)
        return run_id


class FitWindowsOperator(StepOperator):
    """Fit and judge one chunk of a study's models; mapped over the chunks.

    Args:
        run_id: The study's run.
        chunk: Which chunk.
        of: How many there are.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    def __init__(self, *, run_id: Any, chunk: int, of: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id, self.chunk, self.of = run_id, chunk, of

    def step(self, spec: UseCase, context: Any) -> int:
        """Return how many models were fitted."""
        from include.monitor_ops.study import fit_chunk

        self.link_run(self.run_id)
        return fit_chunk(spec, self.run_id, self.chunk, self.of, say=self.log.info)


class ConcludeStudyOperator(StepOperator):
    """Replay the cadences over all fitted models, and show quality against cost.

    Args:
        run_id: The study's run.
        of: How many chunks there are.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "run_id")

    ui_color = "#fdf3e1"

    def __init__(self, *, run_id: Any, of: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id, self.of = run_id, of

    def step(self, spec: UseCase, context: Any) -> str:
        """Return the answer in a sentence."""
        from include.monitor_ops.study import REPORT, conclude

        found = conclude(spec, self.run_id, self.of)
        self.link_run(self.run_id, REPORT)
        for line in found.table():
            self.log.info("%s", line)
        self.log.info("%s", found.said)
        return found.said


def _day(given: str | None) -> dt.date | None:
    return dt.date.fromisoformat(given) if given else None
