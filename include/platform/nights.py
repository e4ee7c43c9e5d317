"""Replay a recommender night by night in Airflow: land the history, then let each day's purchases wake the ring.

The door is the clock, and in the middle of the replay the shop's people: they block an item, switch the lists off and
on, and ask for a challenger that is worse. All of it goes through the forms' own DAGs, as their triggers would.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from include.data.tables import Table
from include.deployment.journal import Journal
from include.platform.airflow_api import Airflow
from include.platform.life import Reachable, finished, woken
from include.platform.replay import recording_of
from include.recommendation import Recommendation

_ONE = dt.timedelta(days=1)
_STEPS = ("ingest", "train", "deploy", "monitor", "switch", "items")
_BLOCK, _OFF, _ON, _CHALLENGE = 3, 5, 6, 8  # nights after which somebody steps in


def replay_nights(platform: Reachable, spec: Recommendation, *, nights: int) -> tuple[dt.date, dt.date]:
    """Replay some nights behind what has landed, and return the first and the last day of them.

    Raises:
        PermanentError: the use case has no recording under its own dates, or a run failed.
    """
    start = recording_of(spec)
    platform.enter()
    airflow = platform.airflow("operator")
    airflow.wait_for_dags({f"{spec.name}_{step}" for step in _STEPS})
    landed = max(Table(spec.name, spec.datasets[0].table).days(), default=None)
    if landed is None:
        landed = start - _ONE
        first = start - dt.timedelta(days=spec.source.history_days)
        platform.say(f"· ingest: landing {first} to {landed}, then the first models …")
        night(platform, airflow, spec, landed, first_day=first)
    for number in range(1, nights + 1):
        day = landed + number * _ONE
        platform.say(f"· night after {day} ({number} of {nights}) …")
        night(platform, airflow, spec, day)
        _people(platform, airflow, spec, day, number)
    return landed + _ONE, landed + nights * _ONE


def night(
    platform: Reachable, airflow: Airflow, spec: Recommendation, day: dt.date, first_day: dt.date | None = None
) -> None:
    """Land a day, and wait until all that it wakes has come to rest."""
    since, before = dt.datetime.now(dt.UTC), Journal(spec.name).sequence()
    conf = {"first_day": first_day.isoformat()} if first_day else {}
    run_id = airflow.trigger(f"{spec.name}_ingest", partition_key=day.isoformat(), conf=conf)
    finished(airflow, f"{spec.name}_ingest", run_id)
    _ring(platform, airflow, spec, day, since, before)


def challenge(platform: Reachable, airflow: Airflow, spec: Recommendation, day: dt.date, family: str) -> None:
    """Ask for a training of one family alone, and wait for what becomes of it."""
    since, before = dt.datetime.now(dt.UTC), Journal(spec.name).sequence()
    conf = {"reason": f"is {family} any better?", "family": family}
    run_id = airflow.trigger(f"{spec.name}_train", partition_key=day.isoformat(), conf=conf)
    finished(airflow, f"{spec.name}_train", run_id)
    _ring(platform, airflow, spec, day, since, before, steps=("deploy", "monitor"))


def control(airflow: Airflow, spec: Recommendation, step: str, conf: Mapping[str, Any]) -> str:
    """Fill in a form of a control, and return what it said."""
    run_id = airflow.trigger(f"{spec.name}_{step}", partition_key=None, conf=dict(conf))
    finished(airflow, f"{spec.name}_{step}", run_id)
    return str(airflow.xcom(f"{spec.name}_{step}", run_id, step))


def _ring(
    platform: Reachable,
    airflow: Airflow,
    spec: Recommendation,
    day: dt.date,
    since: dt.datetime,
    before: int,
    steps: tuple[str, ...] = ("train", "deploy", "monitor"),
) -> None:
    for step in steps:
        run_id = woken(airflow, f"{spec.name}_{step}", day, since)
        finished(airflow, f"{spec.name}_{step}", run_id)
    made = [entry for entry in Journal(spec.name).entries() if entry.sequence > before]
    for entry in made:
        platform.say(f"  entry {entry.sequence}, {entry.action} by {entry.who}: {entry.why}")
    if not made:
        platform.say("  nothing was promoted")


def _people(platform: Reachable, airflow: Airflow, spec: Recommendation, day: dt.date, number: int) -> None:
    """Do by hand what is due after a night of the replay."""
    if number == _BLOCK:
        item = _most_shown(spec, day)
        conf = {"action": "block", "items": item, "until": (day + 4 * _ONE).isoformat(), "why": "recalled by its maker"}
        platform.say(f"  by hand: {control(airflow, spec, 'items', conf)} (item {item})")
    elif number == _OFF:
        conf = {"switch": "off", "why": "complaints about the lists"}
        platform.say(f"  by hand: {control(airflow, spec, 'switch', conf)}")
    elif number == _ON:
        conf = {"switch": "on", "why": "the cause was found"}
        platform.say(f"  by hand: {control(airflow, spec, 'switch', conf)}")
    elif number == _CHALLENGE:
        platform.say("  by hand: is popularity any better?")
        challenge(platform, airflow, spec, day, "popularity")


def _most_shown(spec: Recommendation, day: dt.date) -> str:
    lists = Table(spec.name, "lists").read(first_day=day, last_day=day, columns=["product"])
    return str(lists["product"].mode().iloc[0])
