"""The load forecast in a real Airflow on a platform of the benchmark's own: 2007 landed, 21 series trained, one day."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Goal, Measure, Peer, Say
from include.platform.airflow_api import Airflow
from include.platform.embedded import Platform
from include.platform.replay import replay
from include.platform.state import FIRST_PORT
from include.use_cases.load_forecast import SPEC

_PORTS = FIRST_PORT + 620


def dags(say: Say) -> Iterator[Measure]:
    """Yield the seconds that the DAGs of a day and of a training took, from queued to ended."""
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as folder:
        platform = Platform(Path(folder), say=say)
        try:
            platform.up(first_port=_PORTS)
            replay(platform, SPEC, days=1)
            airflow = platform.airflow()
            yield Measure(
                name=f"forecast DAG: {len(SPEC.keys)} series × {SPEC.horizon_days} days",
                value=_seconds(airflow, "forecast"), unit="s", digits=1, goal=Goal(kind="at most", limit=60),
                how="in Airflow, from queued to ended: history, champions, reconciliation, paths, tables, report",
                peer=Peer(name="its one task", value=_longest(airflow, "forecast")),
            )  # fmt: skip
            yield Measure(
                name=f"training DAG: {len(SPEC.keys)} series", value=_seconds(airflow, "train"), unit="s", digits=1,
                how=f"{len(SPEC.families)} families in a backtest of {SPEC.backtest_days} days, the winner's for each "
                f"of {SPEC.horizon_days} days ahead, and its last fit; {len(SPEC.batches)} mapped tasks",
                peer=Peer(name="its longest task", value=_longest(airflow, "train")),
            )  # fmt: skip
            yield Measure(
                name="monitoring DAG of a day", value=_seconds(airflow, "monitor"), unit="s", digits=1,
                how="in Airflow, from queued to ended",
            )  # fmt: skip
        finally:
            platform.down()


def _newest(airflow: Airflow, step: str) -> dict[str, Any]:
    runs: list[dict[str, Any]] = airflow.runs(f"{SPEC.name}_{step}")
    return max(runs, key=lambda run: str(run["queued_at"]))


def _seconds(airflow: Airflow, step: str) -> float:
    run = _newest(airflow, step)
    return _between(run["queued_at"], run["end_date"])


def _longest(airflow: Airflow, step: str) -> float:
    tasks = airflow.tasks(f"{SPEC.name}_{step}", _newest(airflow, step)["dag_run_id"])
    return max(_between(task["start_date"], task["end_date"]) for task in tasks if task["start_date"])


def _between(start: str, end: str) -> float:
    return (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()
