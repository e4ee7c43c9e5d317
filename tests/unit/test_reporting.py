"""Reports: what a person must be able to read off them."""

from __future__ import annotations

import datetime as dt
import itertools

import matplotlib.dates as mdates
import numpy as np
import pytest

from include.records import Estimate
from include.reporting import Report, along_days, draw_amounts, draw_shares, figure


@pytest.fixture
def axes():
    from matplotlib import pyplot

    drawn, axes = figure(1)
    yield axes
    pyplot.close(drawn)


def test_categories_stand_in_the_order_of_numbers_and_beside_each_other(axes):
    draw_shares(axes, {"reference": {"10": 0.5, "-2": 0.25, "other": 0.25}, "window": {"2": 1.0}})
    assert [label.get_text() for label in axes.get_xticklabels()] == ["-2", "2", "10", "other"]
    bars = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches)
    assert all(left[1] <= right[0] + 1e-9 for left, right in itertools.pairwise(bars))


def test_a_long_tail_leaves_the_bulk_to_be_seen(axes):
    amounts = np.concatenate([np.linspace(0, 100, 995), np.full(5, 1e9)])
    draw_amounts(axes, {"these days": amounts})
    heights = [bar.get_height() for bar in axes.patches]
    assert min(heights) > 0.02
    assert sum(heights) == pytest.approx(0.98, abs=0.01)


def test_samples_of_different_sizes_are_drawn_as_shares(axes):
    draw_amounts(axes, {"reference": np.linspace(0, 1, 10_000), "window": np.linspace(0, 1, 100)})
    heights = [bar.get_height() for bar in axes.patches]
    assert sum(heights) == pytest.approx(2 * 0.98, abs=0.03)


def test_an_amount_that_never_changes_is_drawn_too(axes):
    draw_amounts(axes, {"these days": np.zeros(50), "before": np.zeros(7)})
    assert max(bar.get_height() for bar in axes.patches) == pytest.approx(1)


@pytest.mark.parametrize(("days", "marked"), [(1, 1), (2, 2), (5, 5), (31, 7), (800, 5)])
def test_days_along_the_bottom_are_these_and_no_others(axes, days, marked):
    first = dt.date(2026, 3, 1)
    last = first + dt.timedelta(days=days - 1)
    axes.plot([first], [1.0], "o")
    along_days(axes, first, last)
    ticks = [mdates.num2date(tick) for tick in axes.get_xticks()]
    assert len(ticks) >= marked
    assert {(tick.hour, tick.minute) for tick in ticks} == {(0, 0)}
    assert [mdates.num2date(end).date() for end in axes.get_xlim()] == [first - dt.timedelta(days=1), last]
    assert len({label.get_text() for label in axes.get_xticklabels()}) == len(ticks)


def test_a_table_shows_intervals_and_escapes_text():
    html = Report("t").table(["a", "b", "c"], [[Estimate(value=0.5, low=0.25, high=0.75), "<b>", True]]).html()
    assert '<span class="whole">0.5000</span> <span class="whole muted">[0.2500, 0.7500]</span>' in html
    assert "&lt;b&gt;" in html
    assert '<td class="good">yes</td>' in html
