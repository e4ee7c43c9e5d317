"""A use case's loop in Airflow, turned window by window from outside: land, look on, answer what asks for an approval.

The door is the clock and, where a person must approve, an unattended reviewer. All else is the loop's own doing: no
training is asked for but the first one, those of the night, and those that the monitor asks for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from include.deployment.journal import Journal
from include.forecast import Forecast
from include.monitor_ops.timeline import verdict_of
from include.platform.embedded import Platform
from include.platform.life import LifeError, approve, asks, ended, finished, woken
from include.recommendation import Recommendation
from include.spec import UseCase

_REVIEWER = "reviewer"


@dataclass(frozen=True)
class _Ring:
    """What wakes what in a kind of use case.

    Args:
        landed: DAGs between landing a day and the monitor.
        promoted: DAGs between a promotion that the monitor asked for and its next look; none where that comes with the
            next day.
        registers: Task of a training that wakes the deployment; it skips where nothing was trained.
    """

    landed: tuple[str, ...]
    promoted: tuple[str, ...] | None
    registers: str = "candidates"


_EMITS = {"score": "score", "forecast": "issue", "train": "candidates", "deploy": "publish_lists"}


class Loop:
    """A use case's ring of DAGs, turned from outside: land, look on, answer approvals."""

    def __init__(self, platform: Platform, spec: UseCase) -> None:
        self.platform, self.spec, self.airflow = platform, spec, platform.airflow("operator")
        self.ring = _ring_of(spec)

    def begin(self, first: dt.date, last: dt.date) -> None:
        """Land the history, and have the first models made.

        Raises:
            LifeError: they did not come to be.
        """
        steps = {"ingest", "retraining", "train", "deploy", "monitor", *self.ring.landed}
        self.airflow.wait_for_dags({self._dag(step) for step in steps})
        self.platform.say(f"· landing {first} to {last}, then the first models …")
        since = self._land(first, last)
        if self._passed(self.ring.landed, last, since):
            self._monitored(last, since)
        if Journal(self.spec.name).head() is None:
            since = _now()
            conf = {"reason": "the first models"}
            self.airflow.trigger(self._dag("retraining"), partition_key=last.isoformat(), conf=conf)
            if not self._train(last, since):
                raise LifeError(
                    expected="the first models to be promoted",
                    seen="none of them was",
                    where=f"replay of {self.spec.name}",
                    next_step="read why on the page of the training's run",
                )

    def turn(self, first: dt.date, last: dt.date) -> None:
        """Land a window, and wait until all that it wakes has come to rest.

        Raises:
            LifeError: it was refused, or something failed on the way to the monitor.
        """
        since = self._land(first, last)
        if self._passed(self.ring.landed, last, since):
            self._monitored(last, since)
        else:
            self.platform.say("  it landed, and nothing was made of it: no model decides")

    def _land(self, first: dt.date, last: dt.date) -> dt.datetime:
        since, dag_id = _now(), self._dag("ingest")
        conf = {"first_day": first.isoformat()}
        finished(self.airflow, dag_id, self.airflow.trigger(dag_id, partition_key=last.isoformat(), conf=conf))
        return since

    def _passed(self, steps: Sequence[str], day: dt.date, since: dt.datetime) -> bool:
        """Wait for DAGs that wake each other; return whether the last one has woken what comes behind it."""
        for step in steps:
            run_id = woken(self.airflow, self._dag(step), day, since)
            finished(self.airflow, self._dag(step), run_id)
            task = self.airflow.task(self._dag(step), run_id, _EMITS[step])
            if task["state"] != "success":
                return False
        return True

    def _monitored(self, day: dt.date, since: dt.datetime) -> None:
        """Wait for the monitor, and for the training that it may ask for; a monitor that calls its team fails."""
        run_id = woken(self.airflow, self._dag("monitor"), day, since)
        ended(self.airflow, self._dag("monitor"), run_id)
        said = verdict_of(self.spec, run_id)
        self.platform.say(f"  monitor: {said.verdict or 'no word'} ({said.cause or 'no cause named'}): {said.reason}")
        states = {task["task_id"]: task["state"] for task in self.airflow.tasks(self._dag("monitor"), run_id)}
        if states.get("request_retraining") == "success":
            self._train(day, since)

    def _train(self, day: dt.date, since: dt.datetime) -> bool:
        """Wait for a training that was asked for, its deployment, and the monitor's look; return whether it moved."""
        train, deploy, before = self._dag("train"), self._dag("deploy"), _now()
        run_id = woken(self.airflow, train, day, since)
        finished(self.airflow, train, run_id)
        if self.airflow.task(train, run_id, self.ring.registers)["state"] != "success":
            self.platform.say("  training: nothing was trained")
            return False
        run_id = woken(self.airflow, deploy, day, since)
        if asks(self.airflow, deploy, run_id):
            approve(self.platform, deploy, run_id, _REVIEWER, comment="by a replay, with nobody there")
        finished(self.airflow, deploy, run_id)
        promoted = self.airflow.task(deploy, run_id, "promote")["state"] == "success"
        self.platform.say(f"  training: {'a new champion' if promoted else 'the candidate was not promoted'}")
        if promoted and self.ring.promoted is not None and self._passed(self.ring.promoted, day, before):
            self._monitored(day, before)
        return promoted

    def _dag(self, step: str) -> str:
        return f"{self.spec.name}_{step}"


def _ring_of(spec: UseCase) -> _Ring:
    if isinstance(spec, Forecast):
        return _Ring(landed=("forecast",), promoted=None)
    if isinstance(spec, Recommendation):
        return _Ring(landed=("train", "deploy"), promoted=())
    return _Ring(landed=("score",), promoted=("score",), registers="evaluate")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
