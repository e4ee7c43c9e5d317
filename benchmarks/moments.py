"""One use case's life in a deployment that is about to be hurt: brought to a moment, and attended until all has ended.

The days are of credit risk's recording. Its first champion has learned from few days, so that each later candidate may
replace it; after each promotion it is taken back, and the next candidate finds it in its place again.
"""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from benchmarks.lab import Lab
from include.data.ingest import ROWS
from include.data.objects import ObjectStore
from include.data.tables import Table
from include.deployment.journal import Journal
from include.deployment.promotion import rollback
from include.errors import FlightdeckError, PermanentError, TransientError
from include.naming import tenant
from include.platform.airflow_api import DONE, WAITING_STATE, Airflow
from include.platform.life import approve, woken
from include.use_cases.credit_risk import SPEC

INGEST, RETRAINING, TRAIN, DEPLOY, SCORE, MONITOR = (
    f"{SPEC.name}_{step}" for step in ("ingest", "retraining", "train", "deploy", "score", "monitor")
)
_DAGS = (INGEST, RETRAINING, TRAIN, DEPLOY, SCORE, MONITOR)
BEFORE = 55  # days of the recording that lie behind the day on which it goes live
_FEW_DAYS, _MORE_DAYS, _A_DAY = 72, 110, dt.timedelta(days=1)
_PATIENCE, _CALM_SECONDS, _CLEARED_AT_MOST = 1800.0, 6.0, 3
_TOLD_SECONDS = 60.0
_FOUND = TypeVar("_FOUND")


class Reached(NamedTuple):
    """A task that is at the moment in question, and the machine that works on it."""

    dag_id: str
    run_id: str
    task_id: str
    host: str


@dataclass
class Ended:
    """How the runs have ended.

    Args:
        told: What the on-call was told, one sentence for each failure.
        wrong: What must not be: a run that hangs, a failure that nobody was told of or that clearing does not mend.
        tries: Tasks that were tried more than once.
    """

    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)


class Life:
    """Credit risk in a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.say = lab, lab.say
        self.first = lab.replay_start - dt.timedelta(days=SPEC.source.history_days)
        self.landed = self.first - _A_DAY

    @property
    def days(self) -> list[dt.date]:
        """Return the days that were asked to land."""
        return [self.first + step * _A_DAY for step in range((self.landed - self.first).days + 1)]

    def airflow(self, user: str = "operator") -> Airflow:
        """Return Airflow's API as one of the accounts."""
        return self.lab.airflow(user)

    def enter(self) -> None:
        """Let this very process use the deployment's services."""
        self.lab.enter()

    def begin(self) -> None:
        """Bring a first champion about that knows little, and land what later candidates learn from."""
        self.airflow("engineer").wait_for_dags(set(_DAGS), seconds=_PATIENCE)
        self.say("· landing, training and promoting a first champion …")
        since = now()
        self.land(_FEW_DAYS)
        self._well(since, [INGEST])
        self.promote()
        since = now()
        self.land(_MORE_DAYS - _FEW_DAYS)
        self._well(since, [INGEST, SCORE, MONITOR])

    def land(self, days: int) -> str:
        """Ask for the next days, and return the run."""
        first, self.landed = self.landed + _A_DAY, self.landed + days * _A_DAY
        return self.airflow().trigger(
            INGEST, partition_key=self.landed.isoformat(), conf={"first_day": first.isoformat()}
        )

    def train(self) -> str:
        """Ask for a training, refuse what an earlier one still asks for, and return its run."""
        if waiting := self.asking():
            self.airflow("reviewer").answer(
                DEPLOY, waiting, "approve", "Reject", comment="a newer one comes", override="", unattended=True
            )
        since = now()
        self.airflow().trigger(
            RETRAINING, partition_key=self.landed.isoformat(), conf={"reason": "to see what a fault does to it"}
        )
        return woken(self.airflow(), TRAIN, self.landed, since)

    def asking(self) -> str:
        """Return the deployment that waits for an answer, nothing where none does."""
        for run in self.airflow().runs(DEPLOY):
            if run["state"] not in DONE and self._waits(run["dag_run_id"]):
                return str(run["dag_run_id"])
        return ""

    def promote(self) -> None:
        """Train where nothing asks for an answer yet, approve, and wait for the end."""
        run_id, since = self._asked(), now()
        approve(self, DEPLOY, run_id, "reviewer", comment="in a lab")
        self._well(since, [SCORE, MONITOR])

    def take_back(self) -> None:
        """Restore the first champion."""
        at = now()
        rollback(SPEC, who="operator", why="for the next trial", request_id=uuid.uuid4().hex, at=at)

    def mid_write(self) -> Reached:
        """Return when a day's rows are in their table, and neither its quarantine nor the truth that is due."""
        table = Table(SPEC.name, ROWS)
        before, run_id = table.version(), self.land(1)
        _until(lambda: table.version() > before, "the commit of a day's rows", every=0.0)
        return self._reached(INGEST, run_id, "ingest")

    def mid_search(self) -> Reached:
        """Return when a training's mapped search is running."""
        return self._mid_train("search")

    def mid_fit(self) -> Reached:
        """Return when a training fits its families."""
        return self._mid_train("fit")

    def mid_promotion(self) -> Reached:
        """Return when an entry has just made a version the champion, and MLflow does not show it yet."""
        run_id, journal = self._asked(), Journal(SPEC.name)
        before = journal.sequence()
        approve(self, DEPLOY, run_id, "reviewer", comment="in a lab")
        _until(lambda: journal.sequence() > before, "the entry of a promotion", every=0.0)
        return self._reached(DEPLOY, run_id, "promote")

    def attend(self, since: dt.datetime, chain: Sequence[str]) -> Ended:
        """Do what the on-call would do until every run has ended or waits for a person, and say how it went.

        Args:
            since: When the trial began.
            chain: DAGs of which a run must have begun since.
        """
        ended, cleared, deadline, calm_since = Ended(), dict[str, int](), time.monotonic() + _PATIENCE, 0.0
        unfinished = ["nothing was seen"]
        while time.monotonic() < deadline:
            try:
                unfinished = self._unfinished(since, chain, ended, cleared)
            except FlightdeckError as error:  # a service that is not back yet
                unfinished = [str(error)]
            calm_since = 0.0 if unfinished else calm_since or time.monotonic()
            if calm_since and time.monotonic() - calm_since > _CALM_SECONDS:
                break
            time.sleep(1)
        else:
            ended.wrong += [f"not ended within {_PATIENCE:.0f} s: {each}" for each in unfinished]
        ended.tries = self.tries(since)
        return ended

    def tasks(self, since: dt.datetime) -> list[dict[str, Any]]:
        """Return all tasks of the runs that have begun since."""
        airflow = self.airflow()
        return [
            each
            for dag_id in _DAGS
            for run in airflow.runs(dag_id)
            if _queued(run) >= since
            for each in airflow.tasks(dag_id, run["dag_run_id"])
        ]

    def tries(self, since: dt.datetime) -> list[str]:
        """Return which tasks of the runs that have begun since were tried more than once, and how often."""
        found = [each for each in self.tasks(since) if (each["try_number"] or 0) > 1]
        return sorted({f"{each['task_id']} {each['try_number']} times" for each in found})

    def _unfinished(self, since: dt.datetime, chain: Sequence[str], ended: Ended, cleared: dict[str, int]) -> list[str]:
        """Return what is still under way; what has failed is told and cleared, as the on-call would."""
        airflow, left = self.airflow(), []
        for dag_id in _DAGS:
            runs = airflow.runs(dag_id)
            if dag_id in chain and not any(_queued(run) >= since for run in runs):
                left.append(f"no run of {dag_id} has begun")
            for run in runs:
                run_id = run["dag_run_id"]
                if run["state"] == "failed" and (_queued(run) >= since or cleared.get(run_id)):
                    left += self._cleared(airflow, dag_id, run_id, ended, cleared)
                elif run["state"] not in DONE and not (dag_id == DEPLOY and self._waits(run_id)):
                    left.append(f"{dag_id} {run_id} is {run['state']}")
        return left

    def _cleared(self, airflow: Airflow, dag_id: str, run_id: str, ended: Ended, cleared: dict[str, int]) -> list[str]:
        failed = [each for each in airflow.tasks(dag_id, run_id) if each["state"] == "failed"]
        if {each["task_id"] for each in failed} == {"call_team"} or cleared.get(run_id, 0) > _CLEARED_AT_MOST:
            return []
        told = _told(dag_id, run_id, cleared.get(run_id, 0) + 1)
        cleared[run_id] = cleared.get(run_id, 0) + 1
        ended.told += told[-1:]
        if not told:
            ended.wrong.append(f"nobody was told of {airflow.failure(dag_id, run_id)}")
        if cleared[run_id] > _CLEARED_AT_MOST:
            ended.wrong.append(f"cleared {_CLEARED_AT_MOST} times in vain: {airflow.failure(dag_id, run_id)}")
            return []
        for task_id in sorted({each["task_id"] for each in failed}):
            airflow.clear(dag_id, run_id, task_id)
        return [f"{dag_id} {run_id} was cleared"]

    def _asked(self) -> str:
        """Return a deployment that waits for an answer; a training brings one about where none does."""
        if waiting := self.asking():
            return waiting
        since = now()
        self.train()
        self._well(since, [TRAIN, DEPLOY])
        if waiting := self.asking():
            return waiting
        raise _not_reached("a candidate that may become champion", "one that earned no way to its place")

    def _mid_train(self, task_id: str) -> Reached:
        return self._reached(TRAIN, self.train(), task_id)

    def _reached(self, dag_id: str, run_id: str, task_id: str) -> Reached:
        """Return a task of a run once it is running on a machine; one that has just ended will do."""
        airflow = self.airflow()

        def working() -> Reached | None:
            for each in airflow.tasks(dag_id, run_id):
                if each["task_id"] == task_id and each["state"] in ("running", "success") and each["hostname"]:
                    return Reached(dag_id, run_id, task_id, each["hostname"])
            return None

        return _until(working, f"{task_id} of {run_id} to run")

    def _waits(self, run_id: str) -> bool:
        return any(each["state"] == WAITING_STATE for each in self.airflow().tasks(DEPLOY, run_id))

    def _well(self, since: dt.datetime, chain: Sequence[str]) -> None:
        """Wait for the end of what nothing was done to; a gate of latency may fail where others use the machine."""
        ended = self.attend(since, chain)
        for said in ended.told:
            self.say(f"  cleared by hand: {said}")
        if ended.wrong:
            raise _not_reached("runs that end well where nothing is hurt", "; ".join(ended.wrong))


def now() -> dt.datetime:
    """Return this moment."""
    return dt.datetime.now(dt.UTC)


def _told(dag_id: str, run_id: str, count: int) -> list[str]:
    """Return what the on-call was told of a run, once there are so many incidents, or after a while what there is."""
    store, deadline = ObjectStore(), time.monotonic() + _TOLD_SECONDS
    while True:
        paths = store.list_from(f"incidents/{tenant()}/{dag_id}/{run_id}/")
        if len(paths) >= count or time.monotonic() > deadline:
            found = [json.loads(store.get(path) or b"{}") for path in paths]
            return [each["message"] for each in sorted(found, key=lambda each: str(each["at"]))]
        time.sleep(1)


def _until(condition: Callable[[], _FOUND | None], what: str, *, every: float = 0.2) -> _FOUND:
    deadline = time.monotonic() + _PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TransientError(
                expected=what, seen=f"none in {_PATIENCE:.0f} s", where="lab", next_step="see the deployment's logs"
            )
        time.sleep(every)
    return found


def _not_reached(expected: str, seen: str) -> PermanentError:
    return PermanentError(expected=expected, seen=seen, where="lab", next_step="mend that before anything is hurt")


def _queued(run: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(run["queued_at"])
