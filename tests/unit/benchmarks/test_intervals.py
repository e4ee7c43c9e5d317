"""A day's band is made of errors that were known at its gate closure, and the gap is that of plain addition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.intervals import GAP_DAYS, issued
from include.forecasting.backtest import Backtest
from include.forecasting.hierarchy import tree

HIERARCHY = tree({"total": ["1", "2"]})
DAYS = pd.date_range("2008-01-01", periods=70, tz="UTC")
FIRST = DAYS[-4]


def backtests(changed=None):
    generator = np.random.default_rng(1)
    forecast = HIERARCHY.complete(np.full((len(DAYS), 2, 24), 1000.0))
    actual = HIERARCHY.complete(forecast[:, :2] * (1 + 0.05 * generator.normal(size=(len(DAYS), 2, 24))))
    if changed is not None:
        actual[changed] *= 1.2
    return {
        name: Backtest(DAYS, actual[:, place], {"kernel": forecast[:, place]}, {})
        for place, name in enumerate(HIERARCHY.names)
    }


@pytest.fixture(scope="module")
def calm():
    return issued(HIERARCHY, backtests(), FIRST)


def test_a_band_knows_its_newest_error_and_none_that_is_newer(calm):
    day = len(DAYS) - 4
    newer = issued(HIERARCHY, backtests(changed=day - GAP_DAYS + 1), FIRST)
    newest = issued(HIERARCHY, backtests(changed=day - GAP_DAYS), FIRST)
    np.testing.assert_array_equal(newer.quantiles[:, 0], calm.quantiles[:, 0])
    assert (newer.quantiles[:, 1] != calm.quantiles[:, 1]).any()
    assert (newest.quantiles[:, 0] != calm.quantiles[:, 0]).any()


def test_coverage_is_counted_by_series_and_hour_and_paths_add_up(calm):
    assert calm.quantiles.shape == (9, 4, 3, 24)
    assert list(calm.covered("series").index) == ["1", "2", "total"]
    assert list(calm.covered("hour").index) == list(range(1, 25))
    assert calm.covered("hour").mean() == pytest.approx(calm.inside.mean())
    assert 0 <= calm.gap < 1e-12
