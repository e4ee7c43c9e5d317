"""Wide rows of local hours on the days on which the clock is changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.data.hours import hours_of, to_utc
from include.errors import SourceError

ZONE = "Europe/Berlin"
CHANGES = ["2024-03-30", "2024-03-31", "2024-04-01", "2024-10-26", "2024-10-27", "2024-10-28"]
COUNTS = [24, 23, 24, 24, 25, 24]


def wide(days, counts, *, columns=25):
    values = np.full((len(days), columns), np.nan)
    for row, count in enumerate(counts):
        values[row, :count] = np.arange(count) + 100 * row
    frame = pd.DataFrame(values, columns=[f"h{hour}" for hour in range(1, columns + 1)])
    return frame.assign(zone=1, day=pd.to_datetime(days))


def test_days_have_23_24_and_25_hours():
    assert hours_of(pd.Series(pd.to_datetime(CHANGES)), ZONE).tolist() == COUNTS


@pytest.mark.parametrize("part", [slice(0, 3), slice(3, 6)], ids=["spring", "autumn"])
def test_hours_follow_each_other_across_a_change(part):
    days, counts = CHANGES[part], COUNTS[part]
    tidy = to_utc(wide(days, counts), keys=["zone"], zone=ZONE, value="load")
    assert len(tidy) == sum(counts)
    assert tidy["load"].notna().all()
    assert (tidy["time"].diff().dropna() == pd.Timedelta(hours=1)).all()
    midnights = tidy["time"].dt.tz_convert(ZONE)
    assert midnights.iloc[0] == pd.Timestamp(days[0], tz=ZONE)
    assert midnights.iloc[counts[0]] == pd.Timestamp(days[1], tz=ZONE)


def test_h1_is_the_hour_that_ends_at_one_and_is_named_by_its_start():
    tidy = to_utc(wide(["2024-01-15"], [24], columns=24), keys=["zone"], zone=ZONE, value="load")
    assert tidy.iloc[0].to_dict() == {"zone": 1, "time": pd.Timestamp("2024-01-14 23:00", tz="UTC"), "load": 0.0}


def test_a_clock_that_is_changed_at_midnight():
    days = ["2024-04-25", "2024-04-26", "2024-04-27"]  # Cairo goes forward in the first minute of the 26th
    tidy = to_utc(wide(days, [24, 23, 24], columns=24), keys=["zone"], zone="Africa/Cairo", value="load")
    assert (tidy["time"].diff().dropna() == pd.Timedelta(hours=1)).all()


def test_a_blank_stays_a_gap():
    rows = wide(["2024-01-15"], [24], columns=24)
    rows.loc[0, "h7"] = np.nan
    tidy = to_utc(rows, keys=["zone"], zone=ZONE, value="load")
    assert tidy["load"].isna().to_numpy().nonzero()[0].tolist() == [6]


@pytest.mark.parametrize(
    ("day", "count", "columns", "said"),
    [
        ("2024-03-31", 24, 25, "expected 23 values on 2024-03-31 in Europe/Berlin, but saw more"),
        ("2024-01-15", 25, 25, "expected 24 values"),
        ("2024-10-27", 24, 24, "expected columns h1 to h25 on 2024-10-27"),
    ],
)
def test_hours_are_never_guessed(day, count, columns, said):
    with pytest.raises(SourceError, match=said):
        to_utc(wide([day], [count], columns=columns), keys=["zone"], zone=ZONE, value="load")
