"""The recorded loads as published: gaps, late truth, equal zones, and sums that hold."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.data import gefcom
from include.settings import settings

pytestmark = pytest.mark.slow  # downloads 15 MB, once

HOURS = 39_582
UNUSED = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_URI",
          "FLIGHTDECK_JOURNAL_KEY")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cached():
    folder = os.environ.get("FLIGHTDECK_CACHE_DIR", str(Path.cwd() / ".flightdeck/cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLIGHTDECK_CACHE_DIR", folder)
        for name in UNUSED:
            patch.setenv(name, "not used here")
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def loads(cached):
    return gefcom.loads()


def test_every_zone_has_every_hour_but_the_18_never_published(loads):
    assert loads.groupby("zone").size().to_dict() == dict.fromkeys(range(1, 21), HOURS)
    assert not loads.duplicated(["zone", "time"]).any()
    every = pd.date_range(loads["time"].min(), loads["time"].max(), freq="h")
    missing = every.difference(loads["time"].unique())
    assert (missing.min(), missing.max(), len(missing)) == (
        pd.Timestamp("2008-06-30 06:00", tz="UTC"), pd.Timestamp("2008-06-30 23:00", tz="UTC"), 18,
    )  # fmt: skip
    assert loads.loc[loads["load_kw"] == 0, "zone"].value_counts().to_dict() == {9: 2, 4: 1}


def test_blanked_weeks_are_truth_that_arrives_late(loads):
    late = loads[loads["available_at"] > loads["time"] + pd.Timedelta(hours=1)]
    assert late["time"].dt.date.nunique() == 9 * 7
    week = late[late["time"].dt.date == dt.date(2005, 3, 9)]
    assert week["available_at"].unique().tolist() == [pd.Timestamp("2005-03-13", tz="UTC") + gefcom.LATE]


def test_a_daily_delivery_is_known_at_the_next_midnight():
    daily = gefcom.loads("daily").set_index(["zone", "time"])["available_at"]
    noon = pd.Timestamp("2007-05-03 12:00", tz="UTC")
    assert daily.loc[(7, noon)] == pd.Timestamp("2007-05-04", tz="UTC")


def test_the_solution_s_total_is_the_sum_of_its_zones(loads):
    solution = gefcom.solution()
    summed = loads.groupby("time")["load_kw"].sum()
    total = solution[solution["zone"] == 21].set_index("time")["load_kw"]
    np.testing.assert_allclose(summed.loc[total.index], total)
    assert set(solution["weight"]) == {1, 8, 20, 160}
    assert len(gefcom.benchmark()) == len(solution)


def test_zones_3_and_7_are_one_series(loads):
    by_zone = loads.pivot(index="time", columns="zone", values="load_kw")
    pd.testing.assert_series_equal(by_zone[3], by_zone[7], check_names=False)


def test_temperatures_are_whole_and_in_fahrenheit():
    heat = gefcom.temperatures()
    assert heat.groupby("station").size().nunique() == 1
    assert heat["station"].nunique() == 11
    assert heat["temperature_f"].between(-10, 115).all()
    assert heat["time"].max() == pd.Timestamp("2008-07-07 23:00", tz="UTC")


def test_holidays_are_those_observed():
    assert gefcom.holidays()[dt.date(2004, 12, 31)] == "New Year's Day"
    special = gefcom.special_days()
    assert dt.date(2005, 11, 25) in special["bridge"]
    assert dt.date(2008, 3, 21) in special["good friday"]
    assert {dt.date(2004, 12, 24), dt.date(2004, 12, 25)} <= special["holiday"]
