"""Many use cases on one platform: what parsing, scheduling and following their journals cost, and whether it is linear.

Each use case is a copy of the credit one with all of its DAGs. A platform of the benchmark's own has first few and then
many of them beside an empty ring, whose first task is what waits for the scheduler.
"""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.copies import dag_file, names
from benchmarks.harness import Goal, Measure, Peer, Say
from benchmarks.platform import parsed
from include.platform import components
from include.platform.airflow_api import Airflow
from include.platform.embedded import Platform
from include.platform.life import finished
from include.platform.state import FIRST_PORT
from include.use_cases.credit_risk import SPEC

FEW, MANY = 50, 500
_PORTS, _RING = FIRST_PORT + 640, "empty"
_ROUNDS, _POLLS, _SEEN_SECONDS = 7, 3, 3600
_LINEAR = Goal(kind="at most", limit=1.25, because="linear: each of many costs what each of few does")


def many_measures(say: Say) -> Iterator[Measure]:
    """Yield what few and many use cases cost each, in parsing, in the scheduler's lag and in polls of the journals."""
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as home:
        shown = Path(home) / "dags"
        shown.mkdir()
        folders = (shown, Path(__file__).parent / "dags")
        platform = Platform(Path(home) / "platform", dag_folders=folders, say=say)
        taken: dict[int, dict[str, float]] = {}
        try:
            platform.up(first_port=_PORTS)
            platform.enter()
            for count in (0, FEW, MANY):
                taken[count] = _with(platform, shown, count, say)
        finally:
            platform.down()
    few, many = taken[FEW], taken[MANY]
    fresh = MANY - FEW  # the few are among the many, and were there already
    yield _each("parsing", few["parsed"] / FEW, many["parsed"] / MANY, "s", 3, "`DagBag` of all files in one process")
    yield _each(
        "until Airflow has them", few["seen"] / FEW, many["seen"] / fresh, "s", 2,
        "from the files being there until each DAG is in the database, by the platform's one DAG processor",
    )  # fmt: skip
    yield _each(
        "a poll of the journal", 1000 * few["polled"] / FEW, 1000 * many["polled"] / MANY, "ms", 2,
        f"one after another in one process, median of {_POLLS} rounds: what the scoring service does each second for "
        "each use case that it serves",
    )  # fmt: skip
    yield Measure(
        name=f"scheduler's lag with {MANY} use cases", value=many["lag"], unit="s", digits=2,
        goal=Goal(kind="at most", limit=10), peer=Peer(name="with none beside it", value=taken[0]["lag"]),
        how=f"from a trigger until the first task of an empty ring ran, median of {_ROUNDS}; with {FEW}: "
        f"{few['lag']:.2f} s. All files are parsed again each minute at best meanwhile, which takes one of the cores",
    )  # fmt: skip


def _each(what: str, few: float, many: float, unit: str, digits: int, how: str) -> Measure:
    return Measure(
        name=f"{what}, each of {MANY} over each of {FEW}", value=many / few, unit="times", digits=2, goal=_LINEAR,
        how=f"{how}: {few:.{digits}f} {unit} each of {FEW}, {many:.{digits}f} {unit} each of {MANY}",
    )  # fmt: skip


def _with(platform: Platform, folder: Path, count: int, say: Say) -> dict[str, float]:
    copies = names(count)
    say(f"· {count} use cases …")
    files = [dag_file(folder, name, beside=False) for name in copies]
    airflow, began = platform.airflow(), time.monotonic()
    airflow.pause = max(airflow.pause, count / 100)  # a look at thousands of DAGs costs what their parsing needs
    wanted = {f"{name}_{step}" for name in copies for step in ("ingest", "train", "monitor")}
    airflow.wait_for_dags(wanted | {f"{_RING}_ingest"}, seconds=_SEEN_SECONDS)
    seen = time.monotonic() - began
    lag = statistics.median(_lag(airflow, number) for number in range(_ROUNDS))
    say(f"  Airflow has them after {seen:.0f} s; the first task of a run waits {lag:.2f} s")
    if not files:
        return {"lag": lag}
    env = components.airflow_env(platform.state, platform.home.folder, dag_folders=[folder])
    return {"lag": lag, "seen": seen, "parsed": parsed(folder, env), "polled": _polled(copies)}


def _lag(airflow: Airflow, number: int) -> float:
    """Return the seconds from a trigger of the empty ring until its first task ran."""
    day = dt.date(2000, 1, 1) + dt.timedelta(days=number)
    asked = dt.datetime.now(dt.UTC)
    run_id = airflow.trigger(f"{_RING}_ingest", partition_key=day.isoformat())
    finished(airflow, f"{_RING}_ingest", run_id)
    began = dt.datetime.fromisoformat(airflow.task(f"{_RING}_ingest", run_id, "ingest")["start_date"])
    return (began - asked).total_seconds()


def _polled(copies: list[str]) -> float:
    """Return the seconds that one look at each journal takes, as the scoring service looks."""
    from include.serving.cache import ModelCache
    from include.serving.follower import Follower

    with tempfile.TemporaryDirectory() as folder:
        cache = ModelCache(Path(folder))
        specs = [SPEC.model_copy(update={"name": name}) for name in copies]
        followers = [Follower(spec, cache, before=None, confirmed_at=None) for spec in specs]
        for each in followers:
            each.anchor_once()
        rounds = []
        for _ in range(_POLLS):
            began = time.perf_counter()
            for each in followers:
                each.step(dt.datetime.now(dt.UTC))
            rounds.append(time.perf_counter() - began)
            assert not any(each.view().problem for each in followers), "a journal could not be read"
    return statistics.median(rounds)
