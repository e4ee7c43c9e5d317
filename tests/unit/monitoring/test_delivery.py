"""Which days are faults of the delivery, and which are only days."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from include.monitoring.delivery import Delivery, usual_days

DAY, NEXT = dt.date(2026, 1, 4), dt.date(2026, 1, 5)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (0, ["2026-01-04 did not come"]),
        (80, ["2026-01-04 is a part: 80 rows, usual are 200"]),
        (150, []),
        (200, []),
        (260, []),
        (400, ["2026-01-04 has 400 rows, usual are 200: a batch came twice, or another too"]),
    ],
)
def test_a_day_is_measured_by_the_days_before(rows, said):
    assert Delivery(rows={DAY: rows, NEXT: 200}, usual=200, spread=14).faults == said


def test_where_days_differ_much_half_a_day_is_one_of_them():
    assert Delivery(rows={DAY: 80}, usual=200, spread=90).faults == []


def test_a_few_rows_more_or_less_are_chance():
    assert Delivery(rows={DAY: 2, NEXT: 9}, usual=5).faults == []


def test_without_days_before_only_an_empty_one_is_told():
    assert Delivery(rows={DAY: 0, NEXT: 3}).faults == ["2026-01-04 did not come"]


def test_rows_whose_key_was_there_are_a_batch_that_came_twice():
    assert Delivery(rows={DAY: 200}, usual=200, repeated={DAY: 120}).faults == [
        "2026-01-04 came twice: 120 rows with a key that it had already"
    ]
    assert Delivery(rows={DAY: 200}, usual=200, repeated={DAY: 3}).faults == []


def test_a_late_day_is_told():
    assert Delivery(rows={DAY: 200}, usual=200, late={DAY: 2, NEXT: 0}).faults == ["2026-01-04 came 2 days late"]


@pytest.mark.parametrize(("broken", "said"), [(4, 0), (40, 1)])
def test_many_rows_in_quarantine_are_told_by_their_rule(broken, said):
    found = Delivery(rows={DAY: 200}, quarantined={"amount: minimum 0": broken})
    assert found.quarantine_rate == broken / (200 + broken)
    assert len(found.broken) == said


def test_nothing_delivered_and_nothing_expected_is_no_fault():
    nothing = Delivery(rows={})
    assert (nothing.faults, nothing.broken, nothing.quarantine_rate) == ([], [], 0.0)


def test_the_busiest_day_of_a_shops_year_is_no_doubled_batch():
    recorded = Delivery(rows={dt.date(2017, 12, 23): 7110}, usual=3929.5, spread=804)
    assert recorded.faults == []


def counted(*, until, double_from=None, weekend=1.0):
    """Return rows of days since a Monday: 200 and a little, more at weekends, twice as many from a day on."""
    lots, start = np.random.default_rng(3), dt.date(2026, 1, 5)
    found = {}
    for number in range(until):
        day = start + dt.timedelta(days=number)
        rows = 200 * (weekend if day.weekday() >= 5 else 1.0) * lots.normal(1, 0.06)
        found[day] = int(rows * (2 if double_from is not None and number >= double_from else 1))
    return found


def test_a_fault_that_lasts_does_not_become_usual():
    assert usual_days(counted(until=49), days=35) == list(counted(until=49).values())[-35:]
    assert usual_days(counted(until=70, double_from=42), days=35) == list(counted(until=42).values())[-35:]


def test_days_of_the_week_are_told_from_each_other():
    busy = counted(until=70, double_from=42, weekend=1.9)
    assert usual_days(busy, days=70) == list(counted(until=42, weekend=1.9).values())


def test_a_few_days_are_all_usual():
    assert usual_days({}, days=35) == []
    assert usual_days(dict(list(counted(until=6, double_from=3).items())), days=35) == list(
        counted(until=6, double_from=3).values()
    )
