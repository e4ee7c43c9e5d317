"""Many workers and many use cases: tasks a second, lives of copies side by side, and what each of 500 use cases costs.

The lives run in deployments in containers, one with one worker, one with two and one with four, each copy with tables,
journal and models of its own. Two cores are two cores, however many workers share them: so beside the time stands the
*limit*, the processor time of one copy's life in the same deployment, times the copies, spread over the cores without
loss. Efficiency is the limit over the time. A run that was broken off goes on at the workers that it had not ended.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import NullLocator

from benchmarks.copies import dag_file, names, spec_file
from benchmarks.harness import RESULTS, Goal, Measure, Peer, Say
from benchmarks.lab import Lab, deployment
from benchmarks.many import many_measures
from include.errors import FlightdeckError
from include.platform import cluster
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import ROOT
from include.platform.life import finished, live
from include.use_cases.credit_risk import SPEC

PART = "FLIGHTDECK_COPIES"  # no more copies at once than this, where some hours are too long
_WORKERS, _COPIES, _TASKS = (1, 2, 4), (1, 10, 50), 200
_SHIPPED = Path("/opt/flightdeck")
_SEEN_SECONDS = 3600
_DISK_MIB = 8192  # each copy keeps its tables, its models and the logs of its tasks
_LOOKS_A_SECOND = 2  # at 50 lives, 4 took a tenth of a core from what is measured
_CORES = len(os.sched_getaffinity(0))
_PLOT = "scale.png"
_BESIDE = """\
# What is in two folders changes while the deployment runs: the DAG files and the specs of the copies.
x-folders: &folders
  volumes: ["{dags}:{shipped}/dags:ro", "{specs}:{shipped}/include/use_cases:ro"]
services:
  dag-processor: *folders
  triggerer: *folders
  worker: *folders
"""


@dataclass(frozen=True)
class Lived:
    """Some copies that have lived side by side.

    Args:
        workers: How many workers there were.
        copies: How many copies.
        seconds: From the first trigger until the last champion's predictions were monitored.
        cpu_seconds: Processor time of the whole machine meanwhile.
        failed: What became of copies that did not come to a champion.
    """

    workers: int
    copies: int
    seconds: float
    cpu_seconds: float
    failed: tuple[str, ...]


def measures(say: Say, had: Collection[str] = ()) -> Iterator[Measure]:
    """Yield tasks a second and lives by workers and copies, then parsing, lag and polls with few and many use cases."""
    most = int(os.environ.get(PART) or max(_COPIES))
    copies = [count for count in _COPIES if count <= most]
    for workers in _WORKERS:
        if _missed(copies[-1], workers) not in had:
            yield from _lives(workers, copies, say)
    yield from many_measures(say)


def plot(measures: Iterable[Measure]) -> None:
    """Draw the seconds for each copy by how many live at once, and the limit, which hangs on the minutes around."""
    taken = {each.name: each for each in measures}
    drawn, axes = plt.subplots(figsize=(7, 4.2))
    for workers in _WORKERS:
        mine = [(copies, taken[_named(copies, workers)]) for copies in _COPIES]
        (line,) = axes.plot(_COPIES, [each.value / copies for copies, each in mine], marker="o", label=_of(workers))
        limits = [each.peer.value / copies for copies, each in mine if each.peer]
        axes.plot(_COPIES, limits, color=line.get_color(), ls=":", label="its limit")
    axes.set(xscale="log", ylim=(0, None), xlabel="copies of the credit use case at once", ylabel="seconds for each")
    axes.set_xticks(_COPIES, [str(each) for each in _COPIES])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(ncols=len(_WORKERS), fontsize="small", loc="lower right")
    drawn.savefig(RESULTS / _PLOT, dpi=110, bbox_inches="tight")
    plt.close(drawn)


def _lives(workers: int, counts: list[int], say: Say) -> Iterator[Measure]:
    folders = Path(RESULTS.parent.parent / ".flightdeck" / "copies")
    shutil.rmtree(folders, ignore_errors=True)
    dags, specs = folders / "dags", folders / "specs"
    _as_shipped(dags, specs)
    beside = _BESIDE.format(dags=dags, specs=specs, shipped=_SHIPPED)
    with deployment(before_days=0, say=say, beside=beside, disk_mib=_DISK_MIB) as lab:
        lab.workers(workers)
        lab.say("· not counted, for the first life of a deployment also pays for files that are cold:")
        _side_by_side(lab, workers, 1, dags, specs, named="first")
        yield _tasks(lab, workers)
        lived: list[Lived] = []
        for copies in counts:
            _as_shipped(dags, specs)
            lived.append(_side_by_side(lab, workers, copies, dags, specs))
            yield from _measured(lived[-1], lived[0])


def _as_shipped(dags: Path, specs: Path) -> None:
    """Leave in the folders of a deployment no copy, and what is shipped."""
    for folder, shipped in ((dags, ROOT / "benchmarks" / "dags"), (specs, ROOT / "include" / "use_cases")):
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {path.name: path for path in shipped.glob("*.py")}
        for path in folder.glob("*.py"):
            if path.name not in wanted:
                path.unlink()
        for path in wanted.values():
            shutil.copy(path, folder)
    shutil.copy(ROOT / "dags" / f"{SPEC.name}.py", dags)


def _tasks(lab: Lab, workers: int) -> Measure:
    _seen(lab, {"many_tasks"})
    airflow = lab.airflow()
    run_id = airflow.trigger("many_tasks")
    finished(airflow, "many_tasks", run_id)
    tasks = airflow.tasks("many_tasks", run_id)
    begun, ended = (
        [dt.datetime.fromisoformat(task[name]) for task in tasks if task[name]] for name in ("start_date", "end_date")
    )
    seconds = (max(ended) - min(begun)).total_seconds()
    return Measure(
        name=f"empty tasks a second, {_of(workers)}", value=_TASKS / seconds, unit="1/s",
        how=f"{_TASKS} mapped tasks, from the start of the first to the end of the last; {_CORES} cores",
    )  # fmt: skip


def _seen(lab: Lab, dag_ids: set[str]) -> None:
    """Wait for DAGs as one who may also read why a file does not import; an operator may not."""
    lab.airflow("engineer").wait_for_dags(dag_ids, seconds=_SEEN_SECONDS)


def _side_by_side(lab: Lab, workers: int, copies: int, dags: Path, specs: Path, named: str = "copy") -> Lived:
    """Let new copies live all at once, and return what that took."""
    mine = [SPEC.model_copy(update={"name": name}) for name in names(copies, f"{named}_{workers}_{copies}")]
    for spec in mine:
        spec_file(specs, spec.name)
        dag_file(dags, spec.name, beside=True)
    lab.say(f"· {copies} at once on {_of(workers)}: waiting for their DAGs …")
    steps = ("ingest", "retraining", "train", "deploy", "score", "monitor")
    _seen(lab, {f"{spec.name}_{step}" for spec in mine for step in steps})
    began, busy = time.monotonic(), _busy()
    quiet = _Quiet(lab, pause=max(0.3, copies / _LOOKS_A_SECOND))
    with ThreadPoolExecutor(copies) as pool:
        lives = [pool.submit(live, quiet, spec, approve_as="reviewer", ask=False) for spec in mine]
    seconds, cpu_seconds = time.monotonic() - began, _busy() - busy
    errors = [error for each in lives if (error := each.exception()) is not None]
    for error in errors:
        if not isinstance(error, FlightdeckError):
            raise error
    skipped = [each.result().skipped or each.result().waiting for each in lives if each.exception() is None]
    failed = (*map(str, errors), *filter(None, skipped))
    lab.say(f"  {seconds:.0f} s, {cpu_seconds:.0f} s of a processor, {len(failed)} failed")
    for each in failed:
        lab.say(f"  {each}")
    return Lived(workers, copies, seconds, cpu_seconds, failed)


@dataclass(frozen=True)
class _Quiet:
    """A deployment in which many lives are waited for, and nobody wants to hear what each of them does.

    Args:
        lab: The deployment.
        pause: Seconds from one look of a life to the next: looks cost the API server what the lives need.
    """

    lab: Lab
    pause: float

    def airflow(self, user: str = "operator") -> Airflow:
        """Return Airflow's API as one of its accounts."""
        return self.lab.airflow(user, patience=_SEEN_SECONDS * 4, pause=self.pause)

    def enter(self) -> None:
        """Leave the process as it is, for it is in the deployment already."""

    def say(self, text: str) -> None:
        """Say nothing."""


def _busy() -> float:
    """Return the seconds that this machine's processors have worked since it started."""
    user, nice, system, _idle, _waited, *interrupts = Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    return sum(map(int, (user, nice, system, *interrupts))) / os.sysconf("SC_CLK_TCK")


def _measured(lived: Lived, one: Lived) -> Iterator[Measure]:
    limit = lived.copies * one.cpu_seconds / _CORES
    yield Measure(
        name=_named(lived.copies, lived.workers), value=lived.seconds, unit="s", digits=0,
        peer=Peer(name=f"limit of {_CORES} cores", value=limit),
        how=f"efficiency {limit / lived.seconds:.0%}; {lived.cpu_seconds:.0f} s of a processor, "
        f"{lived.cpu_seconds / lived.copies:.0f} s each; {cluster.WORKER}s take two tasks at once each",
    )  # fmt: skip
    yield Measure(
        name=_missed(lived.copies, lived.workers), value=len(lived.failed), unit="", digits=0,
        goal=Goal(kind="at most", limit=0), how=lived.failed[0] if lived.failed else "each has a champion",
    )  # fmt: skip


def _named(copies: int, workers: int) -> str:
    return f"{copies} {'lives' if copies > 1 else 'life'} on {_of(workers)}"


def _missed(copies: int, workers: int) -> str:
    return f"… of {_named(copies, workers)}, without a champion"


def _of(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"
