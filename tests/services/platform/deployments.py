"""A small deployment that lives: versions, promotions, answers that name them, and a database of runs.

Run as a program it goes on until it is killed, in the order in which the platform writes.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pandas as pd
from mlflow.models import infer_signature

from include.data.tables import DAY, Table
from include.deployment.journal import Journal
from include.models import registry, tracking
from include.naming import DEFAULT_KEY, model_name

USE_CASE = "lamps"
AT = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
SIGNATURE = infer_signature(np.zeros((1, 1)), np.zeros(1))


def rows(number, count=5):
    """Return rows of a day of its own."""
    return pd.DataFrame({"lamp": range(count), "hours": float(number), DAY: AT.date() + dt.timedelta(days=number)})


def land(number):
    """Land a day of rows, and return the table's version."""
    day = AT.date() + dt.timedelta(days=number)
    return Table(USE_CASE, "rows").update(day, day, lambda present: rows(number), run=f"ingest/{number}")


def trained(number):
    """Return a registered version whose run says which version of the rows it has read."""
    read = Table(USE_CASE, "rows").version()
    run = tracking.open_run(USE_CASE, f"train {number}", pipeline_run=f"train/{number}", tags={"read": str(read)})
    return registry.register_files(
        model_name(USE_CASE), flavor="lamps", facts={"data": "weights"}, signature=SIGNATURE, run_id=run,
        write=lambda folder: (folder / "weights").write_bytes(np.random.default_rng(number).bytes(3000)),
        as_of=AT.date(), pipeline_run=f"train/{number}",
    )  # fmt: skip


def promoted(number):
    """Train a version, promote it, let MLflow carry the entry, and return that."""
    ref = trained(number)
    entry = Journal(USE_CASE).append(
        lambda state: state.with_key(DEFAULT_KEY, state.of(DEFAULT_KEY).promoted(ref, AT)), request_id=f"r{number}",
        action="promote", who="ann", why="better", evidence={"run": ref.run_id}, at=AT,
    )  # fmt: skip
    registry.set_head_tag(USE_CASE, entry.sequence, entry.hash)
    return entry


def answered(number):
    """Write answers that name the newest entry."""
    sequence, day = Journal(USE_CASE).sequence(), AT.date() + dt.timedelta(days=number)
    Table(USE_CASE, "predictions").update(
        day, day, lambda present: rows(number).assign(sequence=sequence), run=f"score/{number}"
    )


def noted(file, number):
    """Write what Airflow would: a run, in a database that others read at the same time."""
    with closing(sqlite3.connect(file, timeout=30)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY)")
        database.execute("INSERT INTO runs VALUES (?)", (number,))


def live(file, first):
    """Go on for ever."""
    number = first
    while True:
        land(number)
        promoted(number)
        answered(number)
        noted(file, number)
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    live(sys.argv[1], int(sys.argv[2]))
