"""The panel's recording, day by day, as a shop's tills would send it: the purchases of a day that has ended."""

from __future__ import annotations

import datetime as dt
from functools import cache

import pandas as pd

from include.clock import business_time
from include.data import journey
from include.data.sources import AVAILABLE_AT
from include.errors import SourceError

COLUMNS = [
    journey.HOUSEHOLD, journey.BASKET, journey.PRODUCT, journey.STORE, journey.TIME, journey.QUANTITY, journey.SALES,
]  # fmt: skip


def recorded_day(day: dt.date) -> dict[str, pd.DataFrame]:
    """Return the frame ``purchases`` of a recorded day.

    Raises:
        SourceError: the recording has no such day.
    """
    days = _by_day()
    if day not in days:
        raise SourceError(
            expected=f"a day from {min(days)} to {max(days)}: the recording has no others",
            seen=str(day),
            where="replay of the panel",
            next_step="choose a day of the recording, or point the spec's source to live data",
        )
    return {"purchases": days[day].assign(**{AVAILABLE_AT: pd.Timestamp(business_time(day))})}


@cache
def _by_day() -> dict[dt.date, pd.DataFrame]:
    events = journey.events()
    dates = events[journey.TIME].dt.date
    return {day: rows.reset_index(drop=True) for day, rows in events[COLUMNS].groupby(dates) if day.year == 2017}
