"""Shipping: closed segments of the prediction log into the Delta table ``requests`` of each use case, exactly once.

The table keeps, for each writer, the number of its newest segment that is in it. So a segment is removed only when it
has arrived, and one that was not removed is recognised. Who ships may die anywhere, and two may ship at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Callable
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


def ship(home: Path, *, run: str, batch_bytes: int = 32 * 2**20) -> Shipped:
    """Ship every segment that is closed, those of dead writers included, and return what that was.

    Args:
        home: The service's folder.
        run: Who ships; kept with each commit.
        batch_bytes: Bytes of segments that share a commit; bounds the memory this takes.

    Raises:
        TransientError: the store is away. Nothing is lost; call again later.
        PermanentError: a table is broken. The other tables have their rows; the segments wait.
    """
    for folder in writers(home):
        adopt(folder)
    done, batch = Shipped(), _Batch()
    for path in [segment_path(folder, each, CLOSED) for folder in writers(home) for each in closed_numbers(folder)]:
        with contextlib.suppress(FileNotFoundError):  # another has shipped it
            batch.add(path)
        if batch.size >= batch_bytes:
            done, batch = done + batch.commit(run), _Batch()
    done += batch.commit(run)
    for folder in writers(home):
        adopt(folder)  # removes it where it is empty now
    return done


class _Batch:
    """Segments, each writer's in their order, that share a commit in each table."""

    def __init__(self) -> None:
        self.size = 0
        self._paths: list[Path] = []
        self._deliveries: defaultdict[str, list[Delivery]] = defaultdict(list)
        self._broken = 0

    def add(self, path: Path) -> None:
        by_use_case, broken, size = _rows(path)
        for use_case, rows in by_use_case.items():
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            self._deliveries[use_case].append(Delivery(path.parent.name, int(path.stem), table))
        self._paths.append(path)
        self._broken += broken
        self.size += size

    def commit(self, run: str) -> Shipped:
        appended = 0
        failed: FlightdeckError | None = None
        for use_case, deliveries in self._deliveries.items():
            try:
                appended += Table(use_case, REQUESTS).append_once(deliveries, run=run)
            except FlightdeckError as error:  # the other tables take theirs nevertheless
                failed = failed or error
        if failed:
            raise failed
        for path in self._paths:
            path.unlink(missing_ok=True)
        return Shipped(appended, len(self._paths), self._broken)


def _rows(path: Path) -> tuple[dict[str, list[Row]], int, int]:
    """Return a segment's rows by use case, how many lines are none and are in quarantine then, and all its bytes."""
    by_use_case: defaultdict[str, list[Row]] = defaultdict(list)
    unread, size = [], 0
    for line in lines(path):
        size += len(line.raw)
        try:
            row = _row(line)
        except (ValueError, KeyError, TypeError, OverflowError):
            unread.append(line)
        else:
            by_use_case[row["use_case"]].append(row | {"writer": path.parent.name, "segment": int(path.stem)})
    if unread:
        quarantine(path.parent, int(path.stem), unread)
    return by_use_case, len(unread), size


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
