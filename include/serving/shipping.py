"""Shipping: closed segments of the prediction log into the Delta table ``requests`` of each use case, exactly once.

The table keeps, for each writer, the number of its newest segment that is in it. So a segment is removed only when it
has arrived, and one that was not removed is recognised. Who ships may die anywhere, and two may ship at once.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.data.tables import DAY, Delivery, Table
from include.errors import FlightdeckError
from include.serving.segments import CLOSED, Line, adopt, closed_numbers, lines, quarantine, segment_path, writers

REQUESTS = "requests"
_LOGGED = pa.schema(
    [
        ("request_id", pa.string()),
        ("use_case", pa.string()),
        ("key", pa.string()),
        ("unit", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("variant", pa.string()),
        ("model_version", pa.int64()),
        ("sequence", pa.int64()),
        ("decision", pa.string()),
        ("score", pa.float64()),
        ("inputs", pa.string()),
        ("output", pa.string()),
        ("reasons", pa.string()),
        ("flags", pa.string()),
        ("latency_ms", pa.float64()),
        ("shadow", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [*_LOGGED, (DAY, pa.date32()), ("writer", pa.string()), ("segment", pa.int64()), ("offset", pa.int64())]
)
_BATCH_BYTES = 32 * 2**20
_NAME = re.compile(r"[a-z][a-z0-9_]*")
Row = dict[str, Any]


@dataclass(frozen=True)
class Shipped:
    """What one call has shipped.

    Args:
        rows: Rows that are in the tables now and were not before.
        segments: Segments that were removed.
        quarantined: Lines that could not be shipped and wait in quarantine for a person.
    """

    rows: int = 0
    segments: int = 0
    quarantined: int = 0

    def __add__(self, other: Shipped) -> Shipped:
        return Shipped(self.rows + other.rows, self.segments + other.segments, self.quarantined + other.quarantined)


def ship(home: Path, *, run: str) -> Shipped:
    """Ship every segment that is closed, those of dead writers included, and return what that was.

    Args:
        home: The service's folder.
        run: Who ships; kept with each commit.

    Raises:
        TransientError: the store is away. Nothing is lost; call again later.
    """
    for folder in writers(home):
        adopt(folder)
    done = Shipped()
    for batch in _batches(home):
        done += _ship(batch, run)
    for folder in writers(home):
        adopt(folder)  # removes it where it is empty now
    return done


def _batches(home: Path) -> Iterator[list[Path]]:
    """Yield closed segments, each writer's in their order, in portions that fit into memory."""
    batch: list[Path] = []
    size = 0
    for folder in writers(home):
        for number in closed_numbers(folder):
            path = segment_path(folder, number, CLOSED)
            batch.append(path)
            size += path.stat().st_size
            if size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _ship(batch: list[Path], run: str) -> Shipped:
    deliveries: defaultdict[str, list[Delivery]] = defaultdict(list)
    broken = 0
    for path in batch:
        try:
            by_use_case, unread = _rows(path)
        except FileNotFoundError:  # another has shipped it
            continue
        broken += unread
        for use_case, rows in by_use_case.items():
            deliveries[use_case].append(
                Delivery(path.parent.name, int(path.stem), pa.Table.from_pylist(rows, schema=SCHEMA))
            )
    appended = 0
    failed: FlightdeckError | None = None
    for use_case, each in deliveries.items():
        try:
            appended += Table(use_case, REQUESTS).append_once(each, run=run)
        except FlightdeckError as error:  # the other tables take theirs nevertheless
            failed = failed or error
    if failed:
        raise failed
    for path in batch:
        path.unlink(missing_ok=True)
    return Shipped(appended, len(batch), broken)


def _rows(path: Path) -> tuple[dict[str, list[Row]], int]:
    """Return a segment's rows by use case, and how many lines are none; those are in quarantine then."""
    by_use_case: defaultdict[str, list[Row]] = defaultdict(list)
    unread = []
    for line in lines(path):
        try:
            row = _row(line)
        except (ValueError, KeyError, TypeError, OverflowError):
            unread.append(line)
        else:
            by_use_case[row["use_case"]].append(row | {"writer": path.parent.name, "segment": int(path.stem)})
    if unread:
        quarantine(path.parent, int(path.stem), unread)
    return by_use_case, len(unread)


def _row(line: Line) -> Row:
    """Return a line as a row that is sure to fit the table, for one that does not would hold up all others."""
    if line.record is None:
        raise ValueError("the checksum does not fit")
    said = json.loads(line.record)
    row = {field.name: _VALUES[field.type](said[field.name]) for field in _LOGGED}
    if not _NAME.fullmatch(row["use_case"]):
        raise ValueError("no name of a use case")
    return row | {DAY: row["at"].date(), "offset": line.offset}


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError("no text")
    # A client can send half a character, which UTF-8 cannot say.
    return said if said.isascii() else said.encode(errors="backslashreplace").decode()


def _whole(said: Any) -> int:
    if not isinstance(said, int) or not -(2**63) <= said < 2**63:
        raise TypeError("no whole number of 64 bits")
    return said


def _number(said: Any) -> float | None:
    return None if said is None else float(said)


def _moment(said: Any) -> dt.datetime:
    at = dt.datetime.fromisoformat(said)
    if at.tzinfo is None:
        raise ValueError("no zone")
    return at.astimezone(dt.UTC)


_VALUES: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.string(): _text,
    pa.int64(): _whole,
    pa.float64(): _number,
    pa.timestamp("us", tz="UTC"): _moment,
}
