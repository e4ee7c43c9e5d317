"""The newest issued forecast as a local file, so that a worker answers for it without asking any table."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from include.records import Record

if TYPE_CHECKING:
    import pandas as pd

    from include.forecast import Forecast

FOLDER = "forecasts"


class Hour(Record):
    """One hour of a series."""

    time: dt.datetime = Field(description="start of the hour, UTC")
    load_kw: float
    bands: dict[str, float | None] = Field(description="quantiles; none where the issue has no band")


class Series(Record):
    """One series of an issue."""

    family: str
    model_version: int
    fallback: str = Field(description="why its champion has not foretold it; empty where it has")
    filled_hours: int = Field(description="hours of the last week that were not known and so were filled")
    days: dict[dt.date, tuple[Hour, ...]] = Field(description="hours by day, UTC")


class Issue(Record):
    """What was issued at one gate closure."""

    use_case: str
    as_of: dt.date
    issued_at: dt.datetime
    sequence: int = Field(description="the journal's sequence in force")
    table_version: int
    series: dict[str, Series]


def path_of(home: Path, use_case: str) -> Path:
    """Return where the newest issue of a use case is."""
    return home / FOLDER / f"{use_case}.json"


def read(home: Path, use_case: str) -> Issue | None:
    """Return the newest issue, none where there is none yet.

    Raises:
        ValueError: the file is not one that ``publish`` has written.
    """
    try:
        return Issue.model_validate_json(path_of(home, use_case).read_bytes())
    except FileNotFoundError:
        return None


def publish(spec: Forecast, home: Path) -> Issue | None:
    """Write the newest issue in the table to a service's home, and return it; none where nothing was issued yet.

    Raises:
        TransientError: the store is away; the file stays as it was.
    """
    from include.data.tables import Table
    from include.forecast_ops.rows import FORECASTS

    table = Table(spec.name, FORECASTS)
    version = table.version()
    with contextlib.suppress(ValueError):  # a file that is no issue is written anew
        if (present := read(home, spec.name)) and present.table_version == version:
            return present
    days = table.days() if version >= 0 else []
    if not days:
        return None
    as_of = max(days)
    issue = issue_of(spec, as_of, table.read(first_day=as_of, last_day=as_of), version)
    write(home, issue)
    return issue


def write(home: Path, issue: Issue) -> None:
    """Put an issue in the place of the one before, whole or not at all."""
    path = path_of(home, issue.use_case)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(issue.model_dump_json())
    new.replace(path)


def issue_of(spec: Forecast, as_of: dt.date, rows: pd.DataFrame, version: int) -> Issue:
    """Return the rows of one gate closure as an issue."""
    from include.forecast_ops.rows import BANDS

    ordered = rows.sort_values(["series", "time"])
    found = {}
    for name, each in ordered.groupby("series", sort=False):
        first = each.iloc[0]
        bands = each[BANDS].astype(object).where(each[BANDS].notna(), None).to_dict("records")
        by_day: dict[dt.date, list[Hour]] = {}
        for moment, load, band in zip(each["time"], each["load_kw"], bands, strict=True):
            hour = Hour(time=moment.to_pydatetime(), load_kw=float(load), bands=band)
            by_day.setdefault(hour.time.astimezone(dt.UTC).date(), []).append(hour)
        found[str(name)] = Series(
            family=first["family"], model_version=int(first["model_version"]), fallback=first["fallback"],
            filled_hours=int(first["filled_hours"]), days={day: tuple(hours) for day, hours in by_day.items()},
        )  # fmt: skip
    return Issue(
        use_case=spec.name, as_of=as_of, issued_at=spec.origin(as_of), sequence=int(ordered["sequence"].iloc[0]),
        table_version=version, series=found,
    )  # fmt: skip
