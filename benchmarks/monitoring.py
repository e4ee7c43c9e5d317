"""The monitor: how often it cries over nothing, what it sees, whether it names the cause, and what a look costs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.calm_windows import alarm_measures
from benchmarks.estimates import estimate_measures
from benchmarks.harness import Goal, Measure, Peer, Say
from benchmarks.incidents import incident_measures
from benchmarks.made_up import population
from benchmarks.peers.environments import ask
from benchmarks.shifts import power_measures
from include.monitoring.drift import detect
from include.monitoring.profile import build
from include.monitoring.sketch import count

_LARGE, _HUGE, _STREAMED, _PART = 100_000, 1_000_000, 10_000_000, 100_000
_SAME_TESTS = "Evidently, KS and chi-square"
_TIMES_FASTER, _SECONDS_OF_A_PASS = 25, 4.0
_GIB = 2**20  # KiB


def measures(say: Say) -> Iterator[Measure]:
    """Yield false alarms, power, causes, estimates and speed."""
    yield from _speed_measures(say)
    yield from estimate_measures()
    yield from incident_measures(say)
    yield from alarm_measures(say)
    yield from power_measures(say)


def _speed_measures(say: Say) -> Iterator[Measure]:
    yield _beside_evidently(say)
    yield _beside_a_pass()
    peak, base = (_peak_gib(rows) for rows in (_STREAMED, _PART))
    size = population(_PART, np.random.default_rng(0)).memory_usage(deep=True).sum() / 2**30
    yield Measure(
        name=f"memory for {_STREAMED:,} rows in parts, over that for one part", value=peak - base, unit="GiB", digits=2,
        goal=Goal(kind="at most", limit=max(2 * size, 0.2), because="twice a part"),
        how=f"peak of a process {peak:.2f} GiB, with one part of {_PART:,} rows {base:.2f} GiB",
    )  # fmt: skip


def _beside_evidently(say: Say) -> Measure:
    draw = np.random.default_rng(0)
    reference, window = population(_LARGE, draw), population(_LARGE, draw)
    profile = build(reference)
    ours = _median(lambda: detect(profile, window, joint=False))
    together = _median(lambda: detect(profile, window))
    say(f"  {_LARGE:,} × 50: ours {ours:.2f} s, all columns together included {together:.2f} s; Evidently …")
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in (("reference", reference), ("window", window)):
            rows.to_parquet(Path(folder) / f"{name}.parquet")
        taken = ask("evidently", "seconds", folder)
        theirs, alone = (statistics.median(taken[way]) for way in (_SAME_TESTS, f"{_SAME_TESTS}, tests alone"))
    return Measure(
        name=f"{_LARGE:,} × 50, times faster than Evidently's KS and chi-square",
        value=theirs / ours,
        unit="times",
        digits=1,
        goal=Goal(kind="at least", limit=_TIMES_FASTER),
        peer=Peer(name="with the classifier of all columns together", value=theirs / together),
        how=f"ours {ours:.2f} s from the stored profile, {together:.2f} s with the classifier; Evidently "
        f"{theirs:.1f} s with both frames at hand and its plots, {alone:.1f} s by its tests alone; medians of 3",
    )


def _beside_a_pass() -> Measure:
    draw = np.random.default_rng(1)
    reference, window = population(_HUGE, draw), population(_HUGE, draw)
    profile = build(reference)

    def one_pass() -> None:
        for rows in (reference, window):
            for name, column in profile.columns.items():
                count(column, rows[name])

    ours, limit = _median(lambda: detect(profile, window)), _median(one_pass)
    return Measure(
        name=f"{_HUGE:,} × 50", value=ours, unit="s", digits=2,
        goal=Goal(kind="at most", limit=_SECONDS_OF_A_PASS, because="a binned pass over both, as first measured"),
        peer=Peer(name="one binned pass over both windows", value=limit), how="with the classifier; median of 3",
    )  # fmt: skip


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _peak_gib(rows: int) -> float:
    """Return the peak memory of a process that judges a window of so many rows in parts."""
    argv = [sys.executable, "-m", "benchmarks.monitoring", str(rows)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _parts(rows: int) -> Iterator[pd.DataFrame]:
    for number in range(rows // _PART):
        yield population(_PART, np.random.default_rng(number))


if __name__ == "__main__":
    detect(build(population(_PART, np.random.default_rng(1))), _parts(int(sys.argv[1])), joint=False)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _GIB}\n")
