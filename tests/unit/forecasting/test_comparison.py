"""How often the test is wrong, what it is in the simplest case, and that a simple forecaster which wins is kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from include.errors import SourceError
from include.forecasting.backtest import backtest
from include.forecasting.comparison import choose, diebold_mariano
from include.forecasting.families import FAMILIES
from include.forecasting.panel import TOTAL
from include.forecasting.samples import actual_temperature
from include.forecasting.windows import Horizon
from tests.unit.forecasting.made import CALENDAR, days_of, wandering

SIMPLE = [each.name for each in FAMILIES if each.simple]
MODELS = [each.name for each in FAMILIES if not each.simple]


def losses(days, *, persistence, gain=0.0, seed=0):
    """Return losses of two forecasters on the same days, whose difference is alike from day to day."""
    generator = np.random.default_rng(seed)
    shared = generator.gamma(3, 1, days)
    noise = generator.normal(0, 1, days + 50)
    for day in range(1, len(noise)):
        noise[day] += persistence * noise[day - 1]
    return shared - gain, shared + noise[50:]


def test_without_lags_it_is_the_paired_t_test():
    candidate, other = losses(90, persistence=0, gain=0.2)
    plain = stats.ttest_rel(other, candidate, alternative="greater")
    ours = diebold_mariano(candidate, other, lags=0)
    assert ours.statistic == pytest.approx(plain.statistic)
    assert ours.p_value == pytest.approx(plain.pvalue)


@pytest.mark.parametrize("persistence", [0.0, 0.4])
def test_of_two_equal_ones_it_seldom_prefers_one(persistence):
    found = [diebold_mariano(*losses(180, persistence=persistence, seed=seed)).p_value < 0.05 for seed in range(1000)]
    assert np.mean(found) < 0.09  # 5 %, what Newey and West leave at such a dependence, and three standard errors


def test_neglected_dependence_would_prefer_one_too_often():
    pairs = [losses(180, persistence=0.4, seed=seed) for seed in range(1000)]
    assert np.mean([diebold_mariano(*pair, lags=0).p_value < 0.05 for pair in pairs]) > 0.12


def test_a_better_one_is_found():
    found = [diebold_mariano(*losses(180, persistence=0.4, gain=0.5, seed=seed)).p_value < 0.05 for seed in range(200)]
    assert np.mean(found) > 0.9


def test_the_same_forecasts_are_not_better():
    candidate, _ = losses(60, persistence=0)
    assert diebold_mariano(candidate, candidate).p_value == 1.0


@pytest.mark.parametrize("broken", [np.full(60, np.nan), np.arange(5.0)])
def test_too_few_days_are_refused(broken):
    with pytest.raises(SourceError, match="paired losses of at least 20 days"):
        diebold_mariano(broken, np.ones(len(broken)))


def test_where_yesterday_really_is_best_it_stays():
    found = backtest(wandering(300), ["1"], FAMILIES, Horizon(0, False), CALENDAR, days_of(200, 90))["1"]
    choice = choose(found.losses(), simple=SIMPLE, models=MODELS)
    assert choice.champion == "yesterday"
    assert choice.reason.startswith("yesterday stays: no model is significantly better; the nearest,")
    assert set(choice.tests) == set(MODELS)


def test_where_the_weather_rules_a_model_is_taken(panel):
    some = [each for each in FAMILIES if each.name != "boosting"]
    horizon = Horizon(0, True)
    found = backtest(panel, [TOTAL], some, horizon, CALENDAR, days_of(400, 90), temperature=actual_temperature)[TOTAL]
    choice = choose(found.losses(), simple=SIMPLE, models=["ridge", "kernel"])
    assert choice.champion in ("ridge", "kernel")
    assert "less error than" in choice.reason


def test_a_model_that_is_only_as_good_is_not_taken():
    chosen = []
    for seed in range(400):
        one, other = losses(120, persistence=0.2, seed=seed)
        three = other + np.random.default_rng(seed + 10_000).normal(0, 1, 120)
        chosen.append(choose({"a": one, "b": other, "c": three}, simple=["a"], models=["b", "c"]).champion)
    assert np.mean([each != "a" for each in chosen]) < 0.09
