"""Replay a recorded use case day by day in Airflow: land the history, train once, then let the ring turn by itself.

The door is the clock alone: it lands a day, waits until the ring has come to rest, and lands the next; where the
schedule has a training on a day, it asks for that.
"""

from __future__ import annotations

import datetime as dt

from croniter import croniter

from include.data.tables import Table
from include.deployment.journal import Journal
from include.errors import PermanentError
from include.forecast import Forecast
from include.platform.airflow_api import Airflow
from include.platform.life import Reachable, finished, woken
from include.spec import UseCase

_ONE = dt.timedelta(days=1)


def replay(platform: Reachable, spec: Forecast, *, days: int) -> tuple[dt.date, dt.date]:
    """Replay some days behind what has landed, and return the first and the last of them.

    Raises:
        PermanentError: the use case has no recording under its own dates, or a run failed.
    """
    start = recording_of(spec)
    platform.enter()
    airflow = platform.airflow("operator")
    steps = ("ingest", "retraining", "train", "deploy", "forecast", "monitor")
    airflow.wait_for_dags({f"{spec.name}_{step}" for step in steps})
    landed = _landed(spec)
    if landed is None:
        last = start - _ONE
        first = start - dt.timedelta(days=spec.source.history_days)
        platform.say(f"· ingest: landing {first} to {last} …")
        _turn(platform, airflow, spec, last, first_day=first)
        landed = last
    if Journal(spec.name).head() is None:
        platform.say(f"· train: {len(spec.keys)} series in {len(spec.batches)} batches …")
        _said(platform, "the first training", _train(airflow, spec, landed, reason="the first models"))
    for step in range(1, days + 1):
        day = landed + step * _ONE
        platform.say(f"· {day} ({step} of {days}) …")
        if _retrains(spec, day):
            _said(platform, "the weekly training", _train(airflow, spec, day, reason="weekly"))
        _turn(platform, airflow, spec, day)
    return landed + _ONE, landed + days * _ONE


def recording_of(spec: UseCase) -> dt.date:
    """Return the day on which the replay of a recording goes live, behind its history.

    Raises:
        PermanentError: the use case has no recording under its own dates.
    """
    if spec.source.recorded_from is None:
        raise PermanentError(
            expected="a recording under its own dates",
            seen="no 'recorded_from' in the spec's source",
            where=f"replay of {spec.name}",
            next_step=f"let the schedule run {spec.name}, or trigger {spec.name}_ingest for a day",
        )
    return spec.source.recorded_from


def _retrains(spec: Forecast, day: dt.date) -> bool:
    """Return whether the schedule asks for a training on a day."""
    start = dt.datetime.combine(day, dt.time())
    return bool(croniter.match_range(spec.schedule.retrain, start, start + _ONE - dt.timedelta(minutes=1)))


def _said(platform: Reachable, what: str, promoted: int) -> None:
    platform.say(f"  {what}: promoted by entry {promoted}" if promoted else f"  {what}: nothing was promoted")


def _landed(spec: Forecast) -> dt.date | None:
    return max(Table(spec.name, spec.dataset("load").table).days(), default=None)


def _turn(
    platform: Reachable, airflow: Airflow, spec: Forecast, day: dt.date, first_day: dt.date | None = None
) -> None:
    """Land a day, and wait until all that it wakes has come to rest."""
    since = dt.datetime.now(dt.UTC)
    conf = {"first_day": first_day.isoformat()} if first_day else {}
    run_id = airflow.trigger(f"{spec.name}_ingest", partition_key=day.isoformat(), conf=conf)
    finished(airflow, f"{spec.name}_ingest", run_id)
    finished(airflow, f"{spec.name}_forecast", woken(airflow, f"{spec.name}_forecast", day, since))
    if first_day:
        return  # nothing was forecast for days whose truth is known yet
    watched = woken(airflow, f"{spec.name}_monitor", day, since)
    finished(airflow, f"{spec.name}_monitor", watched)
    if airflow.task(f"{spec.name}_monitor", watched, "request_retraining")["state"] == "success":
        reason = airflow.xcom(f"{spec.name}_monitor", watched, "request_retraining")
        platform.say(f"  the watch asks for a training: {reason}")
        _said(platform, "the series concerned", _train(airflow, spec, day, since=since))


def _train(
    airflow: Airflow, spec: Forecast, day: dt.date, *, reason: str = "", since: dt.datetime | None = None
) -> int:
    """Wait for a training and its deployment, and return the journal's new sequence; 0 where nothing was promoted.

    With a reason the training is asked for, as the schedule would; without one it has been asked for ``since``.
    """
    before, since = Journal(spec.name).sequence(), since or dt.datetime.now(dt.UTC)
    if reason:
        airflow.trigger(f"{spec.name}_retraining", partition_key=day.isoformat(), conf={"reason": reason})
    for step in ("train", "deploy"):
        finished(airflow, f"{spec.name}_{step}", woken(airflow, f"{spec.name}_{step}", day, since))
    after = Journal(spec.name).sequence()
    return after if after > before else 0
