"""The page of a replay's days: where there is nothing to draw it says so."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.forecast_ops.timeline import Timeline, _page
from include.use_cases.load_forecast import SPEC

FIRST, LAST = dt.date(2007, 1, 1), dt.date(2007, 1, 3)


def page(coverage):
    days = pd.DataFrame({"day": pd.date_range(FIRST, LAST).date, "mape": 3.0, "coverage": coverage, "sequence": 1})
    return _page(SPEC, Timeline(days.assign(series=SPEC.total), (), "address"), FIRST, LAST, [])


@pytest.mark.parametrize(("coverage", "plots", "said"), [(np.nan, 1, True), ([np.nan, 0.7, 0.8], 2, False)])
def test_coverage_is_drawn_where_some_day_had_a_band(coverage, plots, said):
    text = page(coverage)
    assert text.count("<img") == plots
    assert ("No day had a band" in text) is said
