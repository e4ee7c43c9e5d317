"""What the forecasters promise: exact memory, the same answer each time, no pickle, and recovery from a jump."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io

from include.errors import SourceError
from include.forecasting.backtest import mape, training_days
from include.forecasting.families import FAMILIES, TRUSTED, family
from include.forecasting.panel import TOTAL
from include.forecasting.samples import actual_temperature, measured, observe, view
from include.forecasting.windows import DAY, Horizon
from tests.unit.forecasting.made import CALENDAR, changed, days_of

HORIZON = Horizon(12, True)
AHEAD = days_of(440, 60)
NAMES = [each.name for each in FAMILIES]


def samples_of(panel, horizon, days, *, name=TOTAL):
    """Return sample and truth of training and target days."""
    origin = horizon.origin(days[0])
    known = panel.known_at(origin)
    past = training_days(known, origin)
    looks = view(known, horizon, CALENDAR, names=[name])
    train = observe(known, past, looks, names=[name], target=actual_temperature(known, past))[name]
    ahead = observe(panel, days, looks, names=[name], target=actual_temperature(panel, days))[name]
    return train, measured(known, past, name), ahead, measured(panel, days, name)


@pytest.fixture(scope="module")
def made(panel):
    return samples_of(panel, HORIZON, AHEAD)


@pytest.fixture(scope="module")
def fitted(made):
    train, truth, _, _ = made
    return {each.name: each.build(HORIZON, 7).fit(train, truth) for each in FAMILIES}


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_is_a_load_of_24_hours_and_near_the_truth(made, fitted, name):
    _, _, ahead, actual = made
    forecast = fitted[name].predict(ahead)
    assert forecast.shape == actual.shape == (60, DAY)
    assert mape(actual, forecast) < 30


def test_models_that_know_the_weather_beat_those_that_only_remember(made, fitted):
    _, _, ahead, actual = made
    error = {name: mape(actual, each.predict(ahead)) for name, each in fitted.items()}
    simple = min(error[each.name] for each in FAMILIES if each.simple)
    assert max(error["kernel"], error["ridge"], error["boosting"]) < 0.8 * simple
    assert error["kernel"] < 3


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_forecast_one_day_at_a_time_or_all(made, fitted, name, panel):
    train, truth, ahead, _ = made
    again = family(name).build(HORIZON, 7).fit(train, truth)
    np.testing.assert_array_equal(again.predict(ahead), fitted[name].predict(ahead))
    looks = view(panel.known_at(HORIZON.origin(AHEAD[0])), HORIZON, CALENDAR, names=[TOTAL])
    known = panel.known_at(HORIZON.origin(AHEAD[9]))
    one = observe(known, AHEAD[9:10], looks, names=[TOTAL], target=actual_temperature(panel, AHEAD[9:10]))[TOTAL]
    np.testing.assert_allclose(fitted[name].predict(one), fitted[name].predict(ahead)[9:10], rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_packed_forecaster_holds_trusted_types_only_and_answers_alike(made, fitted, name):
    _, _, ahead, _ = made
    packed = skops.io.dumps(fitted[name])
    assert set(skops.io.get_untrusted_types(data=packed)) <= set(TRUSTED)
    loaded = skops.io.loads(packed, trusted=list(TRUSTED))
    np.testing.assert_array_equal(loaded.predict(ahead), fitted[name].predict(ahead))


def test_memory_is_exact(panel):
    horizon = Horizon(0, False)
    train, truth, ahead, _ = samples_of(panel, horizon, AHEAD, name="2")
    of = {n: family(n).build(horizon, 0).fit(train, truth).predict(ahead) for n in ("yesterday", "last_week")}
    np.testing.assert_allclose(of["yesterday"], measured(panel, AHEAD - pd.Timedelta(days=1), "2"))
    np.testing.assert_allclose(of["last_week"], measured(panel, AHEAD - pd.Timedelta(days=7), "2"))


@pytest.mark.parametrize("name", ["yesterday", "last_week", "four_weeks", "similar_day", "ridge", "kernel"])
def test_a_week_ahead_is_a_longer_lead(panel, name):
    horizon = Horizon(12 + 6 * DAY, False)
    train, truth, ahead, actual = samples_of(panel, horizon, AHEAD[:10])
    assert mape(actual, family(name).build(horizon, 0).fit(train, truth).predict(ahead)) < 60


@pytest.mark.parametrize("name", ["ridge", "kernel"])
def test_a_jump_of_the_level_is_forgotten_within_eight_days(panel, name):
    jump = 450
    load = panel.load.copy()
    load[jump * DAY :, 2] *= 2.7
    horizon = Horizon(0, True)
    train, truth, ahead, actual = samples_of(changed(panel, load=load), horizon, AHEAD, name="3")
    forecast = family(name).build(horizon, 0).fit(train, truth).predict(ahead)
    errors = np.abs(forecast / actual - 1).mean(axis=1)
    assert errors[jump - 440] > 0.5
    assert errors[jump - 440 + 9 :].mean() < 1.6 * errors[: jump - 440].mean() + 0.01


def test_one_absurd_temperature_cannot_carry_a_forecast_away(panel):
    horizon = Horizon(12, False)
    train, truth, ahead, actual = samples_of(panel, horizon, AHEAD[:1])
    model = family("kernel").build(horizon, 0).fit(train, truth)
    heat = panel.temperature.copy()
    heat[panel.place(horizon.origin(AHEAD[0])) - 1] = 9_999
    _, _, hit, _ = samples_of(changed(panel, temperature=heat), horizon, AHEAD[:1])
    assert mape(actual, model.predict(ahead)) < 20
    assert 0.5 < np.median(model.predict(hit) / model.predict(ahead)) < 2


def test_too_little_history_is_said(panel):
    train, truth, _, _ = samples_of(panel, HORIZON, days_of(70, 3))
    with pytest.raises(SourceError, match="at least 60 whole days to learn from"):
        family("kernel").build(HORIZON, 0).fit(train, truth)


def test_a_family_that_is_not_there_is_said():
    with pytest.raises(SourceError, match="one of yesterday"):
        family("oracle")
