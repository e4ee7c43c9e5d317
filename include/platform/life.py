"""One life of a use case, in Airflow, from outside: ingest, ask for a training, watch it, have it approved, look on.

The door only triggers and watches. What happens is in the DAGs, and would happen the same by their schedule.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from include.errors import PermanentError
from include.platform.airflow_api import DONE, WAITING_STATE, Airflow
from include.spec import UseCase


class LifeError(PermanentError):
    """A run of the life failed; the sentence is the failed task's own."""


class Reachable(Protocol):
    """A platform that runs somewhere: the embedded one, or a deployment on many machines."""

    def airflow(self, user: str = "operator") -> Airflow:
        """Return Airflow's API as one of its accounts."""

    def enter(self) -> None:
        """Let this very process use its services."""

    @property
    def say(self) -> Callable[[str], None]:
        """Where progress goes."""


@dataclass
class Life:
    """What a life came to.

    Args:
        runs: Airflow's run id by DAG, of this life.
        waiting: Address of the request that nobody has answered yet.
        unattended_seconds: Seconds without those that the approval waited.
    """

    runs: dict[str, str] = field(default_factory=dict)
    waiting: str = ""
    rejected: bool = False
    skipped: str = ""
    seconds: float = 0.0
    approval_seconds: float = 0.0


def live(platform: Reachable, spec: UseCase, *, approve_as: str | None, ask: bool, reason: str = "by the door") -> Life:
    """Run a use case once from raw rows to a decision about its candidate.

    Args:
        platform: A healthy platform.
        spec: The use case.
        approve_as: Account that answers the approval unattended, if any.
        ask: Whether a person at the terminal may be asked.
        reason: Why the training is asked for.

    Raises:
        LifeError: a run failed.
    """
    airflow, life, began = platform.airflow("operator"), Life(), time.monotonic()
    names = {step: f"{spec.name}_{step}" for step in ("ingest", "retraining", "train", "deploy", "score", "monitor")}
    airflow.wait_for_dags(set(names.values()))
    day = _land(platform, airflow, spec, names["ingest"], life)
    since, deploy = _now(), _asking(airflow, names["deploy"])
    if deploy is None:
        conf = {"reason": reason}
        life.runs[names["retraining"]] = airflow.trigger(names["retraining"], partition_key=day.isoformat(), conf=conf)
        platform.say("· train: searching, fitting, evaluating …")
        life.runs[names["train"]] = woken(airflow, names["train"], day, since)
        finished(airflow, names["train"], life.runs[names["train"]])
        platform.say("· deploy: testing the artifact …")
        deploy = woken(airflow, names["deploy"], day, since)
    life.runs[names["deploy"]] = deploy
    _approval(platform, airflow, names["deploy"], deploy, life, approve_as=approve_as, ask=ask)
    if life.waiting:
        return _timed(life, began)
    finished(airflow, names["deploy"], deploy)
    promoted = airflow.task(names["deploy"], life.runs[names["deploy"]], "promote")["state"]
    life.skipped = "" if promoted == "success" else "the candidate was not promoted"
    if promoted == "success":
        for step, what in (("score", "scoring what is new"), ("monitor", "comparing with the reference")):
            platform.say(f"· {step}: {what} …")
            life.runs[names[step]] = woken(airflow, names[step], None, since)
            finished(airflow, names[step], life.runs[names[step]])
    return _timed(life, began)


def _land(platform: Reachable, airflow: Airflow, spec: UseCase, dag_id: str, life: Life) -> dt.date:
    """Land what is missing up to yesterday, and return the newest landed day."""
    from include.data.snapshots import landed_until

    platform.enter()
    yesterday = _now().date() - dt.timedelta(days=1)
    landed = landed_until(spec)
    if landed is not None and landed >= yesterday:
        platform.say(f"· ingest: all days up to {landed} have landed before")
        return landed
    first = landed + dt.timedelta(days=1) if landed else yesterday - dt.timedelta(days=spec.source.history_days - 1)
    platform.say(f"· ingest: landing {first} to {yesterday} …")
    run_id = airflow.trigger(dag_id, partition_key=yesterday.isoformat(), conf={"first_day": first.isoformat()})
    life.runs[dag_id] = run_id
    finished(airflow, dag_id, run_id)
    return yesterday


def _asking(airflow: Airflow, dag_id: str) -> str | None:
    """Return the run of an earlier life that still waits for an answer."""
    for run in airflow.runs(dag_id):
        if run["state"] == "running" and airflow.task(dag_id, run["dag_run_id"], "promote")["state"] is None:
            return str(run["dag_run_id"])
    return None


def _approval(
    platform: Reachable, airflow: Airflow, dag_id: str, run_id: str, life: Life, *, approve_as: str | None, ask: bool
) -> None:
    """Wait for a request for approval, and have it answered in the way that was asked for."""
    if not asks(airflow, dag_id, run_id):
        return
    request = airflow.request(dag_id, run_id, "approve")
    page = f"{airflow.page(dag_id, run_id, 'approve')}/required_actions"
    platform.say(f"\n{request['subject']}\n\n{request['body']}\n")
    if approve_as:
        approve(platform, dag_id, run_id, approve_as, comment=f"by `--approve-as {approve_as}`")
        platform.say(f"· approved as {approve_as}, marked as unattended")
    elif ask:
        user = input("Answer as which account [reviewer]? ").strip() or "reviewer"
        choice = "Approve" if input("Approve [y/N]? ").strip().lower() in ("y", "yes") else "Reject"
        comment, override = input("Comment: ").strip(), input("Override, if a gate failed: ").strip()
        platform.airflow(user).answer(
            dag_id, run_id, "approve", choice, comment=comment, override=override, unattended=False
        )
        life.rejected = choice == "Reject"
    else:
        life.waiting = page
        return
    asked, answered = (
        dt.datetime.fromisoformat(airflow.request(dag_id, run_id, "approve")[f"{name}_at"])
        for name in ("created", "responded")
    )
    life.approval_seconds = (answered - asked).total_seconds()


def asks(airflow: Airflow, dag_id: str, run_id: str) -> bool:
    """Wait until a deployment asks for an approval, and return whether it does; many end without."""
    if not any(task["task_id"] == "approve" for task in airflow.tasks(dag_id, run_id)):
        return False
    while (state := airflow.task(dag_id, run_id, "approve")["state"]) != WAITING_STATE:
        if airflow.run(dag_id, run_id)["state"] in DONE or state in ("skipped", "success"):
            return False
        time.sleep(airflow.pause)
    return True


def approve(platform: Reachable, dag_id: str, run_id: str, user: str, *, comment: str) -> None:
    """Approve what a deployment asks for, as an account of the platform with nobody there; the journal marks it so."""
    airflow = platform.airflow(user)
    airflow.answer(dag_id, run_id, "approve", "Approve", comment=comment, override="", unattended=True)


def woken(airflow: Airflow, dag_id: str, day: dt.date | None, since: dt.datetime) -> str:
    """Wait for the run that an asset event wakes, and return its id."""
    deadline = time.monotonic() + airflow.patience
    while time.monotonic() < deadline:
        for run in airflow.runs(dag_id):
            queued = dt.datetime.fromisoformat(run["queued_at"])
            if queued >= since and (day is None or run["partition_key"] == day.isoformat()):
                return str(run["dag_run_id"])
        time.sleep(airflow.pause)
    raise LifeError(
        expected=f"a run of {dag_id} woken by its asset",
        seen=f"none in {airflow.patience:.0f} s",
        where="Airflow",
        next_step="see whether the DAG is paused, and `./flightdeck logs scheduler`",
    )


def ended(airflow: Airflow, dag_id: str, run_id: str) -> dict[str, Any]:
    """Wait until a run has ended, well or not, and return it; where patience ends, as it is."""
    deadline = time.monotonic() + airflow.patience
    while (run := airflow.run(dag_id, run_id))["state"] not in DONE and time.monotonic() < deadline:
        time.sleep(airflow.pause)
    return run


def finished(airflow: Airflow, dag_id: str, run_id: str) -> dict[str, Any]:
    """Wait until a run has ended well.

    Raises:
        LifeError: it failed; the sentence is the failed task's.
    """
    run = ended(airflow, dag_id, run_id)
    if run["state"] != "success":
        raise LifeError(
            expected=f"{dag_id} to succeed",
            seen=airflow.failure(dag_id, run_id),
            where=run_id,
            next_step="mend it, clear the task on its page, or repeat the command",
        )
    return run


def _timed(life: Life, began: float) -> Life:
    life.seconds = time.monotonic() - began
    return life


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def may_ask() -> bool:
    """Return whether a person sits at the terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()
