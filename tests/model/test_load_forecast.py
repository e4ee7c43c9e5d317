"""How a forecaster behaves towards real zones: cold makes load, a doubled grid doubles it, a Sunday is no Monday."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from include.data import gefcom
from include.forecasting.backtest import training_days
from include.forecasting.calendar import Calendar
from include.forecasting.families import family
from include.forecasting.panel import TOTAL, from_tidy
from include.forecasting.samples import actual_temperature, measured, observe, view
from include.forecasting.windows import Horizon

pytestmark = pytest.mark.slow  # downloads 15 MB, once
HORIZON = Horizon(12, temperature=True)
WEEK = pd.date_range("2008-01-14", periods=7, tz="UTC")  # Monday to Sunday
FAMILIES = ("ridge", "kernel")


@pytest.fixture(scope="module")
def panel():
    return from_tidy(gefcom.loads(), gefcom.temperatures())


def forecast(panel, name, *, warmer=0.0, zone=TOTAL):
    """Return what a model that knew all until the week's eve says of each day of the week, shape (7, 24)."""
    known = panel.known_at(HORIZON.origin(WEEK[0]))
    past = training_days(known, HORIZON.origin(WEEK[0]))[-500:]
    looks = view(known, HORIZON, Calendar(gefcom.special_days(), gefcom.CLOCK), names=[zone])
    train = observe(known, past, looks, names=[zone], target=actual_temperature(known, past))[zone]
    model = family(name).build(HORIZON, 7).fit(train, measured(known, past, zone))
    target = actual_temperature(panel, WEEK) + warmer
    return model.predict(observe(panel, WEEK, looks, names=[zone], target=target)[zone])


@pytest.fixture(scope="module", params=FAMILIES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def usual(panel, name):
    return forecast(panel, name)


def test_a_colder_winter_day_takes_more(panel, name, usual):
    colder = forecast(panel, name, warmer=-8.0)
    assert (colder.mean(axis=1) > 1.02 * usual.mean(axis=1)).all()


def test_the_morning_of_a_working_day_is_no_sunday_s(usual):
    morning = usual[:, 6:9].mean(axis=1) / usual.mean(axis=1)
    assert morning[:5].mean() > morning[5:].mean()


def test_a_grid_twice_as_large_takes_twice_as_much(panel, name, usual):
    doubled = forecast(dataclasses.replace(panel, load=2 * panel.load), name)
    assert np.allclose(doubled, 2 * usual, rtol=1e-6)


def test_tomorrow_s_truth_changes_nothing(panel, name, usual):
    load = panel.load.copy()
    load[panel.times >= WEEK[-1]] *= 3  # after the last origin of the week
    assert np.allclose(forecast(dataclasses.replace(panel, load=load), name), usual, rtol=1e-12)
