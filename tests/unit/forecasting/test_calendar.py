"""What a calendar knows of a day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from include.forecasting.calendar import Calendar

MAY_DAY = dt.date(2023, 5, 1)  # a Monday


def days(*texts):
    return pd.DatetimeIndex(texts, tz="UTC")


def test_a_holiday_has_neighbours_on_working_days_only():
    calendar = Calendar(
        {"holiday": frozenset({MAY_DAY, dt.date(2023, 4, 9)}), "eve": frozenset({dt.date(2023, 4, 30)})}
    )
    seen = calendar.special(days("2023-04-30", "2023-05-01", "2023-05-02", "2023-04-10"))
    # holiday, eve, the day before one, the day after one; Easter Sunday has no neighbours
    np.testing.assert_array_equal(seen, [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    assert calendar.free(days("2023-05-01", "2023-05-02")).tolist() == [True, False]


def test_without_special_days_there_are_no_columns():
    calendar = Calendar({})
    assert calendar.special(days("2023-05-01")).shape == (1, 0)
    assert not calendar.free(days("2023-05-01")).any()


def test_a_changed_clock_is_seen_where_people_live_by_one():
    dates = days("2008-03-08", "2008-03-10")  # the US changed on the 9th
    changed = (Calendar({}, clock).effects(dates) for clock in ("America/New_York", "UTC", ""))
    steps = [np.abs(np.diff(effects, axis=0)).max(axis=0) for effects in changed]
    assert steps[0].shape == steps[1].shape == steps[2].shape
    assert (steps[0] - steps[1]).max() == 1
    np.testing.assert_array_equal(steps[1], steps[2])
