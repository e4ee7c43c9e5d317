"""A night of the recommender in a real Airflow, on a platform of the benchmark's own: the year landed, then a night."""

from __future__ import annotations

import datetime as dt
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import Goal, Measure, Peer, Say
from include.data import journey
from include.platform.airflow_api import Airflow
from include.platform.embedded import Platform
from include.platform.nights import night
from include.platform.state import FIRST_PORT
from include.use_cases.recommender import SPEC

_PORTS = FIRST_PORT + 640
_STEPS = ("ingest", "train", "deploy", "monitor")
_EVERY_SECONDS = 1.0


def nights(say: Say) -> Iterator[Measure]:
    """Yield the seconds of the last night of the year, and the most memory that the platform took in it."""
    last, lines = journey.LAST_DAY, len(journey.events())
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as folder:
        platform = Platform(Path(folder), say=say)
        try:
            platform.up(first_port=_PORTS)
            platform.enter()
            airflow = platform.airflow()
            airflow.wait_for_dags({f"{SPEC.name}_{step}" for step in _STEPS})
            began = time.monotonic()
            night(platform, airflow, SPEC, last - dt.timedelta(days=1), first_day=journey.FIRST_DAY)
            whole = time.monotonic() - began
            with _peak(platform) as most:
                began = time.monotonic()
                night(platform, airflow, SPEC, last)
                taken = time.monotonic() - began
            parts = ", ".join(f"{step} {_seconds(airflow, step):.1f}" for step in _STEPS)
            yield Measure(
                name="a night in Airflow", value=taken, unit="s", digits=1, goal=Goal(kind="at most", limit=90),
                peer=Peer(name="the first, which lands the year", value=whole),
                how=f"ingest of {last} until its lists are judged; {lines:,} purchases, {len(SPEC.markets)} markets; "
                f"from start to end: {parts}; they overlap",
            )  # fmt: skip
            yield Measure(
                name="memory in that night",
                value=most[0] / 1024,
                unit="GiB",
                goal=Goal(kind="at most", limit=4),
                how="largest proportional set size of the whole platform, looked at each second",
            )
        finally:
            platform.down()


@contextmanager
def _peak(platform: Platform) -> Iterator[list[float]]:
    most, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(_EVERY_SECONDS):
            most[0] = max(most[0], platform.memory_mib())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def _seconds(airflow: Airflow, step: str) -> float:
    run = airflow.runs(f"{SPEC.name}_{step}")[0]
    return (dt.datetime.fromisoformat(run["end_date"]) - dt.datetime.fromisoformat(run["start_date"])).total_seconds()
