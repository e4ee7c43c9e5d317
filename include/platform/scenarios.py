"""Replay a use case through a scenario: a platform of its own, a history, the first models, then window after window.

The door is the clock and, where a person must approve, an unattended reviewer. All else is the loop's own doing: no
training is asked for but the first and those that the monitor, or the night, asks for. What has landed anywhere else is
not touched: the platform has a folder, ports and secrets of its own, and is new each time.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from include.classification import Classification
from include.deployment.journal import Journal
from include.errors import PermanentError
from include.forecast import Forecast
from include.monitor_ops.timeline import Days, verdict_of
from include.platform import processes
from include.platform.bootstrap import HOME, ROOT
from include.platform.embedded import Platform, Say
from include.platform.life import LifeError, approve, asks, ended, finished, woken
from include.platform.replay import recording_of
from include.platform.state import FIRST_PORT, NAMES, Home
from include.recommendation import Recommendation
from include.scenario import ScenarioName
from include.spec import DatasetUseCase, UseCase

_ONE = dt.timedelta(days=1)
_WEEK = 7
_WEEKS, _CALM_WEEKS = 10, 2  # where the truth comes a month late
_WEEKS_BY_DAY, _CALM_WEEKS_BY_DAY = 4, 1  # where it comes the next day
_BEHIND = 400
_MADE_UP = dt.date(2025, 1, 1)  # first day of recordings without dates; long ago, so that no schedule's tick meets it
_REVIEWER = "reviewer"


@dataclass(frozen=True)
class Plan:
    """What is replayed.

    Args:
        scenario: What happens to the data.
        history: First and last day of what lands at once, before the first training.
        steps: First and last day of what lands then, window after window.
        changed_from: First day to which the scenario happens.
        replay_start: The deployment's day on which replays under made-up dates go live.
    """

    scenario: ScenarioName
    history: Days
    steps: tuple[Days, ...]
    changed_from: dt.date
    replay_start: dt.date


@dataclass(frozen=True)
class _Ring:
    """Which DAGs come between landing a day and the monitor, and which after a promotion that the monitor asked for."""

    landed: tuple[str, ...]
    promoted: tuple[str, ...] | None


_EMITS = {"score": "score", "forecast": "issue", "train": "candidates", "deploy": "publish_lists"}


def planned(spec: UseCase, scenario: ScenarioName, *, weeks: int | None = None) -> Plan:
    """Return what is replayed of a use case: by default ten weeks where truth comes late, four otherwise.

    Raises:
        PermanentError: the source is no recording, or it has not so many weeks behind a history to learn from.
    """
    if isinstance(spec, Classification):
        return _planned_rows(spec, scenario, weeks or _WEEKS)
    start, length = recording_of(spec), (weeks or _WEEKS_BY_DAY) * _WEEK
    closed = spec.closed if isinstance(spec, DatasetUseCase) else ()
    days = [day for day in (start + step * _ONE for step in range(length)) if day not in closed]
    return Plan(
        scenario=scenario,
        history=(start - spec.source.history_days * _ONE, start - _ONE),
        steps=tuple((day, day) for day in days),
        changed_from=start + _CALM_WEEKS_BY_DAY * _WEEK * _ONE,
        replay_start=start,
    )


def _planned_rows(spec: Classification, scenario: ScenarioName, weeks: int) -> Plan:
    """Return the plan of a recording under made-up dates: its end is replayed, and what is before it is history."""
    source, length = spec.source, spec.monitoring.window_days
    history = (source.recorded_days or 0) - weeks * length
    if history < (fewest := spec.label_delay_days + spec.fresh_days + length):
        raise PermanentError(
            expected=f"a recording that leaves {fewest} days of history before {weeks} windows of {length} days",
            seen=f"{source.recorded_days} recorded days"
            if source.recorded_days
            else "no 'recorded_days' in the source",
            where=f"replay of {spec.name}",
            next_step="replay fewer weeks",
        )
    start = _MADE_UP + history * _ONE
    starts = [start + number * length * _ONE for number in range(weeks)]
    return Plan(
        scenario=scenario,
        history=(_MADE_UP, start - _ONE),
        steps=tuple((day, day + (length - 1) * _ONE) for day in starts),
        changed_from=starts[min(_CALM_WEEKS, weeks - 1)],
        replay_start=_MADE_UP + source.history_days * _ONE,
    )


@contextmanager
def scenario_platform(
    plan: Plan, folder: Path, *, say: Say, dag_folders: Sequence[Path] = (ROOT / "dags",), use_cases: str = ""
) -> Iterator[Platform]:
    """Give a new platform in a folder, in which an earlier replay's is gone; stopped at the end, with its files kept.

    Raises:
        NotReadyError: it does not become healthy.
    """
    os.environ.setdefault("FLIGHTDECK_CACHE_DIR", str(HOME / "cache"))  # recordings are fetched once, not once a replay
    platform = Platform(folder, dag_folders=dag_folders, use_cases=use_cases, say=say)
    platform.down()
    shutil.rmtree(folder, ignore_errors=True)
    home = Home(folder)
    fresh = home.load_or_make(today=plan.replay_start)
    settings = {"first_port": _free_ports(), "scenario": plan.scenario, "scenario_from": plan.changed_from}
    home.save(fresh.model_copy(update=settings))
    try:
        platform.up()
        platform.enter()
        yield platform
    finally:
        platform.down()


def replay_scenario(platform: Platform, spec: UseCase, plan: Plan) -> None:
    """Land a plan's history, have the first models made, then let each window wake the loop.

    A window that the loop refuses, or at which it stops, is told, and the next one lands all the same.

    Raises:
        LifeError: the first models did not come to be.
    """
    loop = Loop(platform, spec)
    loop.begin(plan)
    for number, (first, last) in enumerate(plan.steps, start=1):
        when = f"{first}" if first == last else f"{first} to {last}"
        changed = "" if last < plan.changed_from else f", {plan.scenario}"
        platform.say(f"· {when} ({number} of {len(plan.steps)}{changed}) …")
        try:
            loop.turn(first, last)
        except LifeError as error:
            platform.say(f"  stopped: {error.seen}")


class Loop:
    """A use case's ring of DAGs, turned from outside: land, look on, answer approvals."""

    def __init__(self, platform: Platform, spec: UseCase) -> None:
        self.platform, self.spec, self.airflow = platform, spec, platform.airflow("operator")
        self.ring = _ring_of(spec)

    def begin(self, plan: Plan) -> None:
        """Land the history, and have the first models made."""
        steps = {"ingest", "retraining", "train", "deploy", "monitor", *self.ring.landed}
        self.airflow.wait_for_dags({self._dag(step) for step in steps})
        first, last = plan.history
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
        finished(self.airflow, train, woken(self.airflow, train, day, since))
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
    return _Ring(landed=("score",), promoted=("score",))


def _free_ports() -> int:
    """Return the first port of a block that nobody listens on, behind those of platforms and tests."""
    first = FIRST_PORT + _BEHIND
    while any(processes.listener(first + place) for place in range(len(NAMES))):
        first += len(NAMES)
    return first


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
