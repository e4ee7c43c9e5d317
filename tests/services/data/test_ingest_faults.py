"""The store fails in mid-write, or the process dies: no row is lost, none is double, and the next run is right."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from include.data.ingest import ingest
from include.data.tables import Table
from include.errors import TransientError
from include.naming import table_path
from include.settings import settings
from tests.services.data.conftest import SPEC, day

pytestmark = pytest.mark.usefixtures("source")

ROOT = Path(__file__).parents[3]


def land(run="test"):
    return ingest(SPEC, first_day=day(0), last_day=day(5), run=run)


def landed():
    """Return whether a try came through; one that did not must say that the store is away."""
    try:
        land()
    except TransientError:
        return False
    return True


def whole():
    rows = Table(SPEC.name, "rows").read()
    assert len(rows) == 120
    assert not rows.duplicated(["day", "biopsy"]).any()
    assert len(Table(SPEC.name, "truth").read()) == 60


def in_mid_write(table="rows"):
    """Return the beginning of the request that commits a table: its data files are on the store by then."""
    return f"PUT /{settings().bucket}/{table_path(SPEC.name, table)}/_delta_log/".encode()


@pytest.mark.slow
def test_a_store_away_for_twenty_seconds_in_mid_write_is_waited_for_or_told_as_transient(proxy):
    proxy.at(in_mid_write(), "down")
    began, tries = time.monotonic(), []
    back = threading.Timer(20, lambda: setattr(proxy, "mode", "ok"))
    back.start()
    while not tries or not tries[-1]:
        assert time.monotonic() < began + 90, "never landed, though the store is back"
        tries.append(landed())
    assert proxy.reached.is_set()
    assert time.monotonic() > began + 19, "it landed while the store was away"
    whole()


def test_a_store_that_is_away_is_told_as_transient(proxy):
    proxy.mode = "down"
    with pytest.raises(TransientError, match=r"table spoiled/rows: expected an answer from S3.*see that S3 runs"):
        land()
    proxy.mode = "ok"
    land()
    whole()


@pytest.mark.parametrize("table", ["rows", "truth"])
def test_a_store_that_goes_away_in_mid_write_is_told_as_transient_and_leaves_nothing_half(proxy, table):
    proxy.at(in_mid_write(table), "down")
    with pytest.raises(TransientError, match=rf"table spoiled/{table}: expected an answer from S3.*no write is half"):
        land()
    proxy.mode = "ok"
    assert len(Table(SPEC.name, "rows").read()) == (0 if table == "rows" else 120)
    land()
    whole()


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 8])
def test_lost_replies_lose_no_row_and_double_none(proxy, lost):
    for _ in range(3):
        proxy.swallow_next(lost)
        try:
            land()
        except TransientError:
            continue
    land()
    whole()
    assert proxy.swallowed >= lost


def test_two_writers_of_one_table_at_once_both_come_through():
    ingest(SPEC, first_day=day(0), last_day=day(0), run="first")
    errors: list[BaseException] = []

    def write(number):
        try:
            ingest(SPEC, first_day=day(number), last_day=day(number), run=f"writer/{number}")
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(1, 6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert errors == []
    ingest(SPEC, first_day=day(0), last_day=day(5), run="after")
    whole()


@pytest.mark.parametrize("table", ["rows", "truth"])
def test_a_writer_killed_in_mid_write_leaves_nothing_half(proxy, table):
    code = (
        "from tests.services.data.conftest import *\n"
        "from include.data.ingest import ingest\n"
        "DELIVERIES.update({day(n): delivery(n) for n in range(10)})\n"
        "ingest(SPEC, first_day=day(0), last_day=day(5), run='killed')\n"
    )
    proxy.at(in_mid_write(table), "blackhole")
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as writer:
        assert proxy.reached.wait(60)
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    proxy.reset()
    proxy.mode = "ok"
    assert len(Table(SPEC.name, "rows").read()) == (0 if table == "rows" else 120)
    land()
    whole()
