"""Rows that can be named again: what was known as of a day, by table, version and digest."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import pandas as pd

from include.classification import Classification
from include.clock import business_time
from include.data.ingest import ROWS, TRUTH, row_columns
from include.data.landing import newest_known
from include.data.sources import DAY
from include.data.tables import Table
from include.errors import FlightdeckError, SourceError
from include.records import Snapshot
from include.spec import UseCase


def landed_until(spec: UseCase) -> dt.date | None:
    """Return the newest landed day, none where nothing has landed."""
    return max(Table(spec.name, ROWS).days(), default=None)


def take(spec: Classification, *, as_of: dt.date) -> Snapshot:
    """Name the rows whose truth was known as of a day; a day that has not landed yet counts as the newest landed one.

    Raises:
        SourceError: nothing has landed, or no truth is known yet.
    """
    newest = landed_until(spec)
    if newest is None:
        raise _nothing(spec, "landed rows", "none", f"run {spec.name}_ingest first")
    as_of = min(as_of, newest)
    version, truth_version = Table(spec.name, ROWS).version(), Table(spec.name, TRUTH).version()
    rows = _read(spec, as_of, version, truth_version)
    if rows.empty:
        seen = f"days up to {newest}, truth is due after {spec.label_delay_days} days"
        raise _nothing(spec, f"rows with known truth as of {as_of}", seen, "land more days, then ask again")
    return Snapshot(
        table=Table(spec.name, ROWS).uri,
        version=version,
        truth_version=truth_version,
        first_day=rows[DAY].min(),
        last_day=rows[DAY].max(),
        as_of=as_of,
        rows=len(rows),
        digest=_digest(rows),
    )


def read(spec: Classification, snapshot: Snapshot) -> pd.DataFrame:
    """Return a snapshot's rows with their target, ordered by day and identifier.

    Where old versions of the tables are gone for good, as after an erasure, the rows that are left are returned.

    Raises:
        SourceError: the rows are not those that were named, and no erasure explains it.
    """
    erased = bool(erased_since(spec, snapshot))
    if erased:
        rows = _read(spec, snapshot.as_of, None, None)
        return rows.loc[rows[DAY].between(snapshot.first_day, snapshot.last_day)].reset_index(drop=True)
    rows = _read(spec, snapshot.as_of, snapshot.version, snapshot.truth_version)
    if (seen := _digest(rows)) != snapshot.digest:
        raise _nothing(
            spec, f"rows with digest {snapshot.digest[:16]}", f"{len(rows)} rows with digest {seen[:16]}",
            "the table was changed beside Flightdeck; find out by whom",
        )  # fmt: skip
    return rows


def rows_between(spec: Classification, first_day: dt.date, last_day: dt.date, *, as_of: dt.date) -> pd.DataFrame:
    """Return the rows of some days without their target, as known as of a day, ordered by day and identifier."""
    rows = Table(spec.name, ROWS).read(first_day=first_day, last_day=last_day)
    if rows.empty:
        return pd.DataFrame(columns=[DAY, *row_columns(spec)])
    return newest_known(rows, spec.contract.keys, business_time(as_of))[[DAY, *row_columns(spec)]]


def erased_since(spec: Classification, snapshot: Snapshot) -> list[tuple[dt.datetime, int]]:
    """Return when rows of the use case were erased after a snapshot was taken, and how many."""
    return Table(spec.name, ROWS).erasures(snapshot.version)


def erase(spec: Classification, identifiers: Sequence[int | str], *, run: str) -> int:
    """Delete all rows and truth of some identifiers for good, and return how many rows there were."""
    key = spec.contract.key
    count = Table(spec.name, ROWS).erase(key, identifiers, run=run)
    Table(spec.name, TRUTH).erase(key, identifiers, run=run)
    return count


def _read(spec: Classification, as_of: dt.date, version: int | None, truth_version: int | None) -> pd.DataFrame:
    key, target = spec.contract.key, spec.contract.target
    last_day = spec.matured_until(as_of)
    rows = Table(spec.name, ROWS).read(last_day=last_day, version=version)
    truth = Table(spec.name, TRUTH).read(last_day=last_day, version=truth_version)
    if rows.empty or truth.empty:
        return pd.DataFrame(columns=[DAY, *row_columns(spec), target])
    at = business_time(as_of)
    known, outcome = newest_known(rows, [key], at), newest_known(truth, [key], at)
    joined = known[[DAY, *row_columns(spec)]].merge(outcome[[DAY, key, target]], on=[DAY, key], how="inner")
    return joined.sort_values([DAY, key], kind="stable").reset_index(drop=True)


def _digest(rows: pd.DataFrame) -> str:
    hashed = pd.util.hash_pandas_object(rows.astype({DAY: "str"}), index=False)
    return hashlib.sha256(hashed.to_numpy().tobytes()).hexdigest()


def _nothing(spec: Classification, expected: str, seen: str, next_step: str) -> FlightdeckError:
    return SourceError(expected=expected, seen=seen, where=f"snapshot of {spec.name}", next_step=next_step)
