"""Replay a use case through a scenario: a platform of its own, a history, the first models, then window after window.

What has landed anywhere else is not touched: the platform has a folder, ports and secrets of its own, and is new each
time. At the end its files are kept, with the timeline and what was expected of the loop beside it.
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
from include.errors import PermanentError
from include.monitor_ops.expectations import Expectation, expectations
from include.monitor_ops.timeline import Days, Timeline, read_timeline
from include.monitor_ops.timeline_page import write_timeline
from include.platform import processes
from include.platform.bootstrap import HOME, ROOT, alone
from include.platform.embedded import Platform, Say
from include.platform.life import LifeError
from include.platform.loop import Loop
from include.platform.replay import recording_of
from include.platform.state import FIRST_PORT, NAMES
from include.scenario import ScenarioName
from include.spec import DatasetUseCase, UseCase

_ONE = dt.timedelta(days=1)
_WEEK = 7
_WEEKS, _CALM_WEEKS = 10, 2  # where the truth comes a month late
_WEEKS_BY_DAY, _CALM_WEEKS_BY_DAY = 4, 1  # where it comes the next day
_BEHIND = 400
_MADE_UP = dt.date(2025, 1, 1)  # first day of recordings without dates; long ago, so that no schedule's tick meets it


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
class Outcome:
    """What a replay came to.

    Args:
        timeline: What happened.
        checks: What was expected of the loop, and whether it held.
        page: The page that shows it.
    """

    timeline: Timeline
    checks: tuple[Expectation, ...]
    page: Path

    @property
    def right(self) -> bool:
        """Return whether the loop did what it ought to."""
        return all(each.holds for each in self.checks)


def planned(spec: UseCase, scenario: ScenarioName, *, weeks: int | None = None) -> Plan:
    """Return what is replayed of a use case: by default ten weeks where truth comes late, four otherwise.

    Raises:
        PermanentError: the source is no recording, or it has not so many weeks behind a history to learn from.
    """
    if isinstance(spec, Classification):
        return _planned_rows(spec, scenario, weeks or _WEEKS)
    start, length = spec.source.calm_from or recording_of(spec), (weeks or _WEEKS_BY_DAY) * _WEEK
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


def replay_scenario(
    spec: UseCase,
    plan: Plan,
    folder: Path,
    *,
    say: Say,
    dag_folders: Sequence[Path] = (ROOT / "dags",),
    use_cases: str = "",
) -> Outcome:
    """Replay a plan on a new platform in a folder, which stops at the end, and see whether the loop did right.

    A window that the loop refuses, or at which it stops, is told, and the next one lands all the same.

    Args:
        spec: The use case.
        plan: What is replayed.
        folder: The platform's own, which is emptied first; the timeline is written there.
        say: Where progress goes.
        dag_folders: Where DAG files are.
        use_cases: Further packages with specs, separated by spaces.

    Raises:
        NotReadyError: the platform does not become healthy.
        LifeError: the first models did not come to be.
    """
    with _platform(plan, folder, Platform(folder, dag_folders=dag_folders, use_cases=use_cases, say=say)) as platform:
        _replay(Loop(platform, spec), plan)
        say("· drawing the timeline …")
        timeline = read_timeline(spec, plan.steps, scenario=plan.scenario, changed_from=plan.changed_from)
        checks = expectations(timeline)
        return Outcome(timeline, tuple(checks), write_timeline(timeline, checks, folder))


@contextmanager
def _platform(plan: Plan, folder: Path, platform: Platform) -> Iterator[Platform]:
    """Give a platform that is new, with the plan's scenario; stop it at the end, and leave its files."""
    os.environ.setdefault("FLIGHTDECK_CACHE_DIR", str(HOME / "cache"))  # recordings are fetched once, not once a replay
    platform.down()
    shutil.rmtree(folder, ignore_errors=True)
    fresh = platform.home.load_or_make(today=plan.replay_start)
    try:
        with alone(HOME / "ports.lock", platform.say):  # a port looks free until its service listens
            chosen = {"first_port": _free_ports(), "scenario": plan.scenario, "scenario_from": plan.changed_from}
            platform.home.save(fresh.model_copy(update=chosen))
            platform.up()
        platform.enter()
        yield platform
    finally:
        platform.down()


def _replay(loop: Loop, plan: Plan) -> None:
    loop.begin(*plan.history)
    for number, (first, last) in enumerate(plan.steps, start=1):
        when = f"{first}" if first == last else f"{first} to {last}"
        changed = "" if last < plan.changed_from else f", {plan.scenario}"
        loop.platform.say(f"· {when} ({number} of {len(plan.steps)}{changed}) …")
        try:
            loop.turn(first, last)
        except LifeError as error:
            loop.platform.say(f"  stopped: {error.seen}")


def _free_ports() -> int:
    """Return the first port of a block that nobody listens on, behind those of platforms and tests."""
    first = FIRST_PORT + _BEHIND
    while any(processes.listener(first + place) for place in range(len(NAMES))):
        first += len(NAMES)
    return first
