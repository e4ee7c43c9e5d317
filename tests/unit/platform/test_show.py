"""What the door prints of a replayed load forecast."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from include.forecast_ops.timeline import Timeline
from include.platform import show
from include.use_cases.load_forecast import SPEC


@pytest.mark.parametrize(("coverage", "shown"), [([np.nan, np.nan], "no band yet"), ([0.7, 0.9], "0.80")])
def test_a_week_whose_forecasts_had_no_band_says_so(coverage, shown):
    days = pd.DataFrame(
        {
            "day": [dt.date(2008, 1, 1)] * 2,
            "series": [SPEC.total, "1"],
            "mape": [8.0, 9.0],
            "coverage": coverage,
            "sequence": [0, 0],
        }
    )
    output = io.StringIO()
    show.timeline(Console(file=output, width=200), SPEC, Timeline(days, (), "http://page"))
    assert shown in output.getvalue()
    assert "nan" not in output.getvalue()
