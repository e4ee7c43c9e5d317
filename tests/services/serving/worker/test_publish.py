"""The newest issue of a real table as the workers' file."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from include.data.tables import Table
from include.forecast_ops.issue import FORECASTS
from include.forecast_ops.rows import BANDS, hourly
from include.forecasting.hierarchy import tree
from include.forecasting.paths import CoherentForecast
from include.serving import forecasts
from include.serving.forecasts import publish
from include.use_cases.load_forecast import SPEC

DAY = dt.date(2008, 1, 4)


def issue(as_of, *, level=100.0, band=True):
    """Put made-up rows of one gate closure into the table, as issuing does."""
    hierarchy = tree({SPEC.total: SPEC.series})
    hours = 24 * SPEC.horizon_days
    paths = level + np.random.default_rng(1).random((20, len(hierarchy.names), hours))
    point = paths.mean(axis=0)
    rows = hourly(SPEC, as_of, point, CoherentForecast(hierarchy, point, paths), band=band).assign(
        family="ridge", model_version=5, fallback="", filled_hours=0, sequence=31, pipeline_run="a run"
    )
    rows.loc[rows["series"] == "7", ["model_version", "fallback"]] = 0, "v5: an absurd forecast"
    Table(SPEC.name, FORECASTS).update(as_of, as_of, lambda present: rows, run="a run")
    return rows


def test_before_anything_was_issued_there_is_no_file(tenant, tmp_path):
    assert publish(SPEC, tmp_path) is None
    assert forecasts.read(tmp_path, SPEC.name) is None


def test_the_newest_gate_closure_is_published_as_it_stands_in_the_table(tenant, tmp_path):
    issue(DAY - dt.timedelta(days=1), level=500)
    rows = issue(DAY)
    made = publish(SPEC, tmp_path)
    assert forecasts.read(tmp_path, SPEC.name) == made
    assert (made.as_of, made.issued_at, made.sequence) == (DAY, SPEC.origin(DAY), 31)
    assert set(made.series) == set(SPEC.keys)
    assert (made.series["7"].model_version, made.series["7"].fallback) == (0, "v5: an absurd forecast")
    total = made.series["total"]
    assert list(total.days) == [DAY + dt.timedelta(days=ahead) for ahead in range(1, 8)]
    assert {len(hours) for hours in total.days.values()} == {24}
    expected = rows.loc[(rows["series"] == "total") & (rows["day_ahead"] == 2)].sort_values("time")
    second = total.days[DAY + dt.timedelta(days=2)]
    assert [hour.load_kw for hour in second] == expected["load_kw"].tolist()
    assert [hour.bands["q90"] for hour in second] == expected["q90"].tolist()
    assert [hour.time for hour in second] == [each.to_pydatetime() for each in expected["time"]]


@pytest.mark.parametrize("band", [True, False])
def test_an_issue_without_a_band_says_so_by_its_absence(tenant, tmp_path, band):
    issue(DAY, band=band)
    hour = publish(SPEC, tmp_path).series["1"].days[DAY + dt.timedelta(days=1)][0]
    assert set(hour.bands) == set(BANDS)
    assert all((value is not None) == band for value in hour.bands.values())
