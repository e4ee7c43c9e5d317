"""Segments into the table, exactly once: whatever dies, is away, comes twice or at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from include.data.objects import ObjectStore
from include.data.tables import Delivery, Table
from include.errors import FlightdeckError, TransientError
from include.naming import table_path
from include.serving.prediction_log import PredictionLog
from include.serving.segments import CLOSED, OPEN, log_folder, quarantined, segment_path, unshipped_bytes, writers
from include.serving.shipping import REQUESTS, SCHEMA, Shipped, ship
from include.settings import settings
from tests.faults import proxied
from tests.unit.serving.made import folder_of, logged, record


@pytest.fixture
def proxy(s3, tenant, monkeypatch):
    """Give a proxy in front of the store, and let everything go through it."""
    with proxied(monkeypatch, "AWS_ENDPOINT_URL_S3", s3) as faults:
        yield faults


def log(home, records, **options):
    """Log records as a process of the service does, and end it."""

    async def run():
        made = PredictionLog(home, **options)
        for each in records:
            await made.append(each)
        await made.close()

    asyncio.run(run())


def numbered(first, last):
    return [record(str(number)) for number in range(first, last)]


def shipped(use_case="credit"):
    """Return the request ids in the table, in order."""
    return sorted(Table(use_case, REQUESTS).read(columns=["request_id"])["request_id"], key=int)


def as_said(count):
    return [str(number) for number in range(count)]


def test_every_field_arrives_typed_with_where_it_came_from(tenant, tmp_path):
    late = "2026-05-04T01:30:00.000002+02:00"
    log(tmp_path, [record("0"), record("1", at=late, score=None, variant="fallback", inputs='{"text": "é\ud800"}')])
    writer = folder_of(tmp_path).name

    assert ship(tmp_path, run="test") == Shipped(rows=2, segments=1, quarantined=0)

    table = Table("credit", REQUESTS)
    rows = table.read().sort_values("request_id").to_dict("records")
    assert rows[0]["day"] == dt.date(2026, 5, 3)
    assert rows[0]["at"] == dt.datetime(2026, 5, 3, 11, 0, 0, 1, tzinfo=dt.UTC)
    assert (rows[0]["score"], rows[0]["latency_ms"], rows[0]["model_version"], rows[0]["sequence"]) == (
        0.125,
        1.5,
        3,
        17,
    )
    assert (rows[0]["writer"], rows[0]["segment"], rows[0]["offset"]) == (writer, 1, 0)
    assert rows[1]["at"] == dt.datetime(2026, 5, 3, 23, 30, 0, 2, tzinfo=dt.UTC)
    assert rows[1]["offset"] == len(record("0")) + 10
    assert rows[1]["score"] != rows[1]["score"]
    assert rows[1]["inputs"] == '{"text": "é\\ud800"}'
    assert writers(tmp_path) == []


def test_a_column_without_any_value_has_its_type_from_the_start(tenant, tmp_path):
    log(tmp_path, [record("0", score=None)])
    ship(tmp_path, run="test")
    assert Table("credit", REQUESTS).read()["score"].dtype == "float64"
    log(tmp_path, [record("1")])
    ship(tmp_path, run="test")
    assert Table("credit", REQUESTS).read()["score"].dropna().tolist() == [0.125]


def test_use_cases_of_one_segment_go_to_their_tables(tenant, tmp_path):
    log(tmp_path, [record("0"), record("1", use_case="load"), record("2")])
    assert ship(tmp_path, run="test").rows == 3
    assert (shipped("credit"), shipped("load")) == (["0", "2"], ["1"])


def test_days_of_a_clock_that_steps_back_all_arrive(tenant, tmp_path):
    days = ["2026-05-03", "2026-05-04", "2026-05-03", "2026-05-02"]
    log(tmp_path, [record(str(n), at=f"{day}T00:00:00+00:00") for n, day in enumerate(days)], segment_bytes=1)
    assert ship(tmp_path, run="test") == Shipped(rows=4, segments=4)
    rows = Table("credit", REQUESTS).read().sort_values(["segment", "offset"])
    assert rows["day"].map(str).tolist() == days
    assert rows["request_id"].tolist() == as_said(4)


def test_shipping_twice_adds_nothing(tenant, tmp_path):
    log(tmp_path, numbered(0, 5))
    (path,) = folder_of(tmp_path).glob(f"*{CLOSED}")
    body = path.read_bytes()
    ship(tmp_path, run="test")
    version = Table("credit", REQUESTS).version()

    path.parent.mkdir()
    path.write_bytes(body)  # as if the shipper had been killed before it removed the segment

    assert ship(tmp_path, run="test") == Shipped(rows=0, segments=1)
    assert shipped() == as_said(5)
    assert Table("credit", REQUESTS).version() == version


def test_a_segment_of_which_one_table_has_its_part_brings_only_the_other_s(proxy, tenant, tmp_path):
    log(tmp_path, [record("0", use_case="alpha"), record("1", use_case="beta")])
    proxy.at(f"PUT /{settings().bucket}/{table_path('beta', REQUESTS)}/".encode(), "down")
    with pytest.raises(TransientError, match="beta/requests"):
        ship(tmp_path, run="test")
    assert unshipped_bytes(tmp_path) > 0
    proxy.mode = "ok"
    assert ship(tmp_path, run="test") == Shipped(rows=1, segments=1)
    assert (shipped("alpha"), shipped("beta")) == (["0"], ["1"])


def test_a_table_that_cannot_take_does_not_hold_up_the_others(tenant, tmp_path):
    log(tmp_path, [record("0", use_case="alpha"), record("1", use_case="beta")])
    log_file = f"{table_path('alpha', REQUESTS)}/_delta_log/00000000000000000000.json"
    ObjectStore().put(log_file, b"no Delta log")
    with pytest.raises(FlightdeckError, match="alpha/requests"):
        ship(tmp_path, run="test")
    assert shipped("beta") == ["1"]
    ObjectStore().delete(log_file)
    assert ship(tmp_path, run="test") == Shipped(rows=1, segments=1)
    assert (shipped("alpha"), shipped("beta")) == (["0"], ["1"])


@pytest.mark.parametrize("earlier", [0, 1], ids=["first commit", "later commit"])
def test_a_commit_whose_reply_is_lost_is_recognised(proxy, tmp_path, earlier):
    for number in range(earlier):
        log(tmp_path, [record(str(number))])
        ship(tmp_path, run="test")
    log(tmp_path, [record(str(earlier))])
    proxy.at(f"PUT /{settings().bucket}/{table_path('credit', REQUESTS)}/_delta_log/".encode(), "swallow")

    assert ship(tmp_path, run="test") == Shipped(rows=1, segments=1)

    assert proxy.swallowed == 1
    assert shipped() == as_said(earlier + 1)


def test_while_the_store_is_away_nothing_is_lost_and_later_all_arrives(proxy, tmp_path):
    log(tmp_path, numbered(0, 5), segment_bytes=1)
    proxy.mode = "down"
    with pytest.raises(TransientError, match="an answer from S3"):
        ship(tmp_path, run="test")
    log(tmp_path, numbered(5, 8))
    waiting = unshipped_bytes(tmp_path)
    with pytest.raises(TransientError, match="an answer from S3"):
        ship(tmp_path, run="test")
    assert unshipped_bytes(tmp_path) == waiting > 0
    proxy.mode = "ok"
    assert ship(tmp_path, run="test") == Shipped(rows=8, segments=6)
    assert shipped() == as_said(8)
    assert unshipped_bytes(tmp_path) == 0


def test_two_shippers_at_once_ship_once(tenant, tmp_path):
    for round_ in range(3):
        for part in range(2):
            first = round_ * 40 + part * 20
            log(tmp_path, numbered(first, first + 20), segment_bytes=2000)
        with ThreadPoolExecutor(4) as pool:
            each = [pool.submit(ship, tmp_path, run=f"shipper {number}") for number in range(4)]
        assert [one.exception() for one in each] == [None] * 4
    assert shipped() == as_said(120)
    assert writers(tmp_path) == []


SHIP = "import sys, pathlib; from include.serving.shipping import ship; ship(pathlib.Path(sys.argv[1]), run='other')"


def test_what_another_has_shipped_meanwhile_is_passed_over(proxy, s3, tmp_path):
    log(tmp_path, numbered(0, 4), segment_bytes=1)
    proxy.at(f"PUT /{settings().bucket}/{table_path('credit', REQUESTS)}/_delta_log/".encode(), "blackhole")
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(ship, tmp_path, run="test", batch_bytes=1)
        assert proxy.reached.wait(30)
        direct = {**os.environ, "AWS_ENDPOINT_URL_S3": s3}
        subprocess.run([sys.executable, "-c", SHIP, str(tmp_path)], env=direct, check=True)
        assert writers(tmp_path) == []
        proxy.mode = "ok"
        assert stuck.result().segments == 1
    assert shipped() == as_said(4)


def test_segments_of_many_writers_share_a_commit(tenant, tmp_path):
    for writer in range(4):
        log(tmp_path, numbered(writer * 10, writer * 10 + 10), segment_bytes=1000)
    assert ship(tmp_path, run="test").rows == 40
    assert Table("credit", REQUESTS).version() == 0
    assert shipped() == as_said(40)


def test_a_long_log_is_shipped_in_portions(tenant, tmp_path):
    log(tmp_path, numbered(0, 20), segment_bytes=1000)
    assert ship(tmp_path, run="test", batch_bytes=2500).rows == 20
    assert Table("credit", REQUESTS).version() == 2
    assert shipped() == as_said(20)


def test_a_living_writer_is_shipped_beside_while_it_rotates(tenant, tmp_path):
    done = threading.Event()

    def write():
        log(tmp_path, numbered(0, 1500), segment_bytes=1, durable=False)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        ship(tmp_path, run="test")
    writer.join()
    ship(tmp_path, run="test")
    assert shipped() == as_said(1500)


def test_the_log_of_a_killed_process_is_shipped_with_all_that_it_acknowledged(tenant, tmp_path):
    seldom_rotated = "100000000"  # a kill between two segments would leave none to tear
    command = [sys.executable, "-m", "tests.unit.serving.appender", str(tmp_path), "20", seldom_rotated]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        first = child.stdout.readline()
        threading.Timer(0.5, child.send_signal, [signal.SIGKILL]).start()
        acknowledged = [first, *child.stdout]
    found = {each.decode().strip() for each in acknowledged if each.endswith(b"\n")}
    (open_one,) = folder_of(tmp_path).glob(f"*{OPEN}")
    with open_one.open("ab") as file:
        file.write(b"0123abcd {")  # what a kill in the middle of a write leaves

    done = ship(tmp_path, run="test")

    arrived = Table("credit", REQUESTS).read(columns=["request_id"])["request_id"].tolist()
    assert found <= set(arrived)
    assert len(arrived) == len(set(arrived)) == done.rows
    assert (writers(tmp_path), quarantined(tmp_path)) == ([], [])


def test_an_open_segment_of_a_living_writer_is_left_alone(tenant, tmp_path):
    async def run():
        made = PredictionLog(tmp_path)
        await made.append(record("0"))
        assert ship(tmp_path, run="test") == Shipped()
        await made.append(record("1"))
        assert logged(folder_of(tmp_path)) == as_said(2)
        await made.close()

    asyncio.run(run())
    assert ship(tmp_path, run="test").rows == 2
    assert shipped() == as_said(2)


BAD_LINES = {
    "broken": lambda line: line.replace(b"champion", b"chempion"),
    "no JSON": b"{",
    "no object": b"[]",
    "no field": b'{"request_id": "1"}',
    "no time": record("1", at="yesterday"),
    "no zone": record("1", at="2026-05-03T11:00:00"),
    "no such day in UTC": record("1", at="0001-01-01T00:00:00+10:00"),
    "no text": record("1", inputs={"a": 1}),
    "no number": record("1", score="high"),
    "no version": record("1", model_version="3"),
    "too large": record("1", sequence=2**63),
    "a path for a name": record("1", use_case="../credit"),
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_that_is_no_row_goes_to_quarantine_and_holds_up_none(tenant, tmp_path, bad):
    broken = bad if callable(bad) else None
    log(tmp_path, [record("0"), record("1") if broken else bad, record("2")])
    (path,) = folder_of(tmp_path).glob(f"*{CLOSED}")
    whole = path.read_bytes().splitlines(keepends=True)
    if broken:
        whole[1] = broken(whole[1])
        path.write_bytes(b"".join(whole))

    assert ship(tmp_path, run="test") == Shipped(rows=2, segments=1, quarantined=1)

    assert shipped() == ["0", "2"]
    (kept,) = quarantined(tmp_path)
    assert kept.read_bytes() == whole[1]
    assert kept.name == f"{path.parent.name}-0000000001-{len(whole[0])}"


def test_a_version_that_is_older_than_the_table_s_is_not_appended(tenant):
    def delivery(version):
        row = dict.fromkeys(SCHEMA.names) | {"day": dt.date(2026, 5, 3), "request_id": str(version)}
        return Delivery("writer", version, pa.Table.from_pylist([row], schema=SCHEMA))

    table = Table("credit", REQUESTS)
    assert table.append_once([delivery(1), delivery(2)], run="test") == 2
    assert table.append_once([delivery(1)], run="test") == 0
    assert table.append_once([delivery(2), delivery(3)], run="test") == 1
    assert shipped() == ["1", "2", "3"]


def test_nothing_to_ship_asks_no_store(tmp_path):
    assert ship(tmp_path, run="test") == Shipped()
    segment = segment_path(log_folder(tmp_path) / "writer", 1, OPEN)
    segment.parent.mkdir(parents=True)
    segment.touch()
    assert ship(tmp_path, run="test") == Shipped()
