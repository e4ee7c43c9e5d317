"""The platform: seconds until healthy, what a life costs beyond its work, parse time of DAG files, memory at rest.

Everything runs on a platform of its own: another home, other ports, the shipped DAGs and an empty ring beside them.

What a life costs beyond its work is *wall − wait − body*, all of them seconds by the clock:

- *wall*: from the first trigger until the monitor's run has ended, as the door sees it (it looks every 0.3 s).
- *wait*: from the request for approval until its answer, as Airflow recorded both.
- *body*: length of the union of all intervals in which a task of the life ran. A task runs from the start to the end
  that Airflow recorded; from the request for approval until the answered task was queued again it does not. So two
  tasks at once count once, and a second in which no task ran, whatever the reason, is overhead. In a task's interval
  are the parsing of its DAG file and the fetching of its XComs, which no API tells apart from its work.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Goal, Measure, Peer, Say, repeated
from include.errors import PermanentError
from include.platform import components
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import ROOT
from include.platform.embedded import Platform
from include.platform.life import Life, live
from include.platform.state import FIRST_PORT
from include.use_cases.credit_risk import SPEC

Interval = tuple[float, float]
_DAGS = Path(__file__).parent / "dags"
_EMPTY_FILE, _EMPTY_RING = _DAGS / "empty.py", "empty"
_PORTS, _FRESH_PORTS = FIRST_PORT + 400, FIRST_PORT + 600
_REST_SECONDS = 20
_ROUNDS = 5
_PARSE = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
began = time.perf_counter()
bag = DagBag(sys.argv[1])
print(json.dumps([time.perf_counter() - began, len(bag.dags), sorted(bag.import_errors.values())]))
"""


@dataclass(frozen=True)
class Timeline:
    """When the tasks of a life ran, in seconds since the epoch, and when it waited for a person."""

    tasks: tuple[tuple[str, Interval], ...]
    asked: Interval | None = None
    parked: Interval | None = None

    @property
    def wait(self) -> float:
        """Return the seconds from the request for approval to its answer."""
        return length([self.asked]) if self.asked else 0.0

    @property
    def body(self) -> float:
        """Return the seconds in which at least one task ran."""
        return length(union(interval for _, interval in self.tasks), besides=self.parked)


def measures(say: Say) -> Iterator[Measure]:
    """Yield the numbers of one platform from its first start to its end, then those of a fresh machine."""
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as folder:
        platform = Platform(Path(folder), dag_folders=(ROOT / "dags", _DAGS), say=say)
        try:
            yield from _starts(platform)
            yield from _life(platform, say)
        finally:
            platform.down()
        yield from _parse_times(platform, say)
    yield _fresh_machine(say)


def _starts(platform: Platform) -> Iterator[Measure]:
    goal = Goal(kind="at most", limit=30)
    yield Measure(
        name="up, first start", value=platform.up(first_port=_PORTS), unit="s", digits=1, goal=goal,
        how="environment there, no database: `Platform.up` until every component is healthy",
    )  # fmt: skip
    platform.down()
    yield Measure(
        name="up, restart", value=platform.up(), unit="s", digits=1, goal=goal,
        how="the same home after `down`: its databases are there",
    )  # fmt: skip


def _life(platform: Platform, say: Say) -> Iterator[Measure]:
    from include.data.replay import credit_clients

    platform.enter()
    credit_clients()  # downloads the recording where it is not there yet; that is no part of a life
    platform.airflow().wait_for_dags({f"{SPEC.name}_ingest", f"{_EMPTY_RING}_monitor"})
    life = live(platform, SPEC, approve_as="reviewer", ask=False)
    seen = timeline(platform.airflow(), life)
    say(f"· at rest for {_REST_SECONDS} s …")
    time.sleep(_REST_SECONDS)
    memory = platform.memory_mib() / 1024
    say("· the same again with empty tasks …")
    empty = live(platform, SPEC.model_copy(update={"name": _EMPTY_RING}), approve_as=None, ask=False)
    ring = empty.seconds - timeline(platform.airflow(), empty).body
    wall = life.seconds - seen.wait
    yield Measure(
        name="credit life in Airflow", value=wall, unit="s", digits=1, goal=Goal(kind="at most", limit=90),
        peer=Peer(name="empty ring of the same shape", value=empty.seconds),
        how=f"wall − wait: 20,000 rows landed, three families trained, one deployed, 5,000 rows scored and monitored; "
        f"the approval waited {seen.wait:.1f} s more",
    )  # fmt: skip
    each = [(name, length([interval], besides=seen.parked)) for name, interval in seen.tasks]
    yield Measure(
        name="… of which a task worked", value=seen.body, unit="s", digits=1,
        how="body, as defined at the top of the file; by task: "
        + ", ".join(f"{name} {seconds:.1f}" for name, seconds in sorted(each, key=lambda task: -task[1])),
    )  # fmt: skip
    yield Measure(
        name="… of which overhead", value=wall - seen.body, unit="s", digits=1, goal=Goal(kind="at most", limit=20),
        peer=Peer(name="the empty ring's, by the same definition", value=ring),
        how="wall − wait − body; the ring is the limit: six DAGs and 14 tasks that do nothing, run just afterwards",
    )  # fmt: skip
    yield Measure(
        name="memory at rest", value=memory, unit="GiB", goal=Goal(kind="at most", limit=3),
        how=f"proportional set size of all processes of the platform, {_REST_SECONDS} s after the life",
    )  # fmt: skip


def timeline(airflow: Airflow, life: Life) -> Timeline:
    """Return when the tasks of a life ran, as Airflow recorded it."""
    tasks: list[tuple[str, Interval]] = []
    asked = parked = None
    for dag_id, run_id in life.runs.items():
        for task in airflow.tasks(dag_id, run_id):
            if not task["start_date"] or not task["end_date"]:
                continue
            name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']} {task['rendered_map_index']}"
            tasks.append((name, (_moment(task["start_date"]), _moment(task["end_date"]))))
            if task["task_id"] == "approve":
                request = airflow.request(dag_id, run_id, "approve")
                asked = (_moment(request["created_at"]), _moment(request["responded_at"]))
                parked = (asked[0], max(asked[1], _moment(task["queued_when"])))
    return Timeline(tuple(tasks), asked, parked)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return disjoint intervals that cover the same moments, in order."""
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def length(intervals: Sequence[Interval], *, besides: Interval | None = None) -> float:
    """Return the summed length of disjoint intervals, without what of them lies in another."""
    total = sum(end - begin for begin, end in intervals)
    if besides is None:
        return total
    return total - sum(max(0.0, min(end, besides[1]) - max(begin, besides[0])) for begin, end in intervals)


def _parse_times(platform: Platform, say: Say) -> Iterator[Measure]:
    files = sorted(path for path in (ROOT / "dags").glob("*.py") if path.name != "__init__.py")
    env = components.airflow_env(platform.state, platform.home.folder, dag_folders=platform.dag_folders)
    say(f"· parsing {len(files)} DAG files and an empty one, {_ROUNDS} times each …")
    taken = repeated(_ROUNDS, lambda: ((path.stem, parsed(path, env)) for path in (_EMPTY_FILE, *files)))
    empty = statistics.median(taken[_EMPTY_FILE.stem])
    for path in files:
        yield Measure(
            name=f"parsing dags/{path.name}", value=statistics.median(taken[path.stem]) - empty, unit="s",
            goal=Goal(kind="at most", limit=0.3),
            how=f"`DagBag` of the file in a fresh process with Airflow loaded, median of {_ROUNDS}, less the "
            f"{empty:.3f} s of an empty DAG file",
        )  # fmt: skip


def parsed(path: Path, env: dict[str, str]) -> float:
    """Return the seconds that a DAG file, or all of a folder, takes in a fresh process with Airflow loaded.

    Raises:
        PermanentError: one of them does not import.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PARSE, str(path)], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    seconds, dags, errors = json.loads(done.stdout.strip().splitlines()[-1])
    if errors or not dags:
        raise PermanentError(
            expected="a DAG file that imports", seen=str(errors or "no DAG"), where=str(path), next_step="mend the file"
        )
    return float(seconds)


def _fresh_machine(say: Say) -> Measure:
    """Time `up` on a clone without an environment, with pip alone and nothing in its cache."""
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    foreign = ("FLIGHTDECK_", "AIRFLOW", "AWS_", "MLFLOW_", "VIRTUAL_ENV", "PYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    folders = env["PATH"].split(os.pathsep)
    env["PATH"] = os.pathsep.join(each for each in folders if not (Path(each) / "uv").exists())
    env["PIP_NO_CACHE_DIR"] = "1"
    with tempfile.TemporaryDirectory(prefix="flightdeck-fresh-") as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), folder], check=True)
        door = [str(python), str(Path(folder) / "flightdeck")]
        up = [*door, "up", "--no-life", "--ports", str(_FRESH_PORTS)]
        began, last = time.monotonic(), "no word"
        try:
            with subprocess.Popen(
                up, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as process:
                for line in process.stdout or ():
                    last = line.rstrip() or last
                    say(f"  | {line.rstrip()}")
            seconds = time.monotonic() - began
        finally:
            subprocess.run([*door, "down"], cwd=folder, env=env, check=False, stdout=subprocess.DEVNULL)
        if process.returncode:
            raise PermanentError(
                expected="`up` to succeed on a fresh clone", seen=last, where=folder, next_step="run it there by hand"
            )
    return Measure(
        name="up on a fresh machine", value=seconds / 60, unit="min", goal=Goal(kind="at most", limit=8),
        how="`./flightdeck up --no-life` in a fresh clone of the last commit: pip without uv and without its cache, "
        "from the package index that this machine uses, until healthy",
    )  # fmt: skip


def _moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()
