"""What an experiment needs and cannot show, against formulas that are known."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from include.errors import ExperimentError
from include.experiments.plan import Assumptions, alike, explained, plan, smallest_effect

ASSUMED = Assumptions(baseline=0.05, days=28, correlation=0.1)


def test_one_look_without_correlation_is_the_textbook_size():
    assumed = Assumptions(baseline=0.1, days=1, correlation=0)
    variance = 0.1 * 0.9 + 0.12 * 0.88
    textbook = 2 * (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * variance / 0.02**2
    planned = plan(assumed, effect=0.02)
    assert planned.units == pytest.approx(textbook, abs=2)
    assert planned.inflation == pytest.approx(1, abs=1e-4)


def test_looking_daily_has_a_price_that_the_plan_says():
    planned = plan(ASSUMED.model_copy(update={"correlation": 0.0}), effect=0.01)
    assert 1.02 < planned.inflation < 1.06
    assert planned.units == pytest.approx(planned.fixed_units * planned.inflation, abs=2)
    assert planned.power_by_day[-1] == pytest.approx(0.8, abs=0.002)
    assert planned.expected_days < 28


def test_days_of_the_same_household_are_no_new_households():
    independent, repeated = (
        plan(ASSUMED.model_copy(update={"correlation": correlation}), effect=0.01).units for correlation in (0.0, 0.1)
    )
    assert repeated > 3 * independent
    week, month, quarter = (plan(ASSUMED.model_copy(update={"days": days}), effect=0.01).units for days in (7, 28, 90))
    assert week > month > quarter > 0.75 * month


def test_what_the_past_explains_need_not_be_measured_again():
    explained = plan(ASSUMED.model_copy(update={"explained": 0.6}), effect=0.01)
    assert explained.units < 0.6 * plan(ASSUMED, effect=0.01).units


def test_an_uneven_split_needs_more():
    uneven = plan(ASSUMED.model_copy(update={"share": 0.1}), effect=0.01)
    assert uneven.units > 2.5 * plan(ASSUMED, effect=0.01).units


def test_smallest_effect_is_the_inverse():
    planned = smallest_effect(ASSUMED, units=2469)
    assert planned.units == 2469
    assert planned.power_by_day[-1] == pytest.approx(0.8, abs=1e-4)
    assert plan(ASSUMED, effect=planned.effect).units == pytest.approx(2469, abs=1)
    assert smallest_effect(ASSUMED, units=4 * 2469).effect < 0.55 * planned.effect


@pytest.mark.parametrize("effect", [0.0, -0.01, 0.96])
def test_an_effect_that_cannot_be_is_refused(effect):
    with pytest.raises(ExperimentError, match="effect above 0"):
        plan(ASSUMED, effect=effect)


def test_too_few_households_show_nothing():
    with pytest.raises(ExperimentError, match="enough households"):
        smallest_effect(ASSUMED.model_copy(update={"baseline": 0.9}), units=4)


@pytest.mark.parametrize(("field", "value"), [("baseline", 0.0), ("days", 0), ("correlation", 1.0), ("level", 0.7)])
def test_assumptions_that_cannot_be_are_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        Assumptions.model_validate({**ASSUMED.model_dump(), field: value})


@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.3])
def test_correlation_is_found_in_outcomes(correlation):
    rng = np.random.default_rng(3)
    size = 1 / correlation - 1 if correlation else 1e9
    rates = rng.beta(0.1 * size, 0.9 * size, (8000, 1))
    rate, found = alike((rng.random((8000, 28)) < rates).astype(float))
    assert rate == pytest.approx(0.1, abs=0.006)
    assert found == pytest.approx(correlation, abs=0.015)


def test_what_the_past_explains_is_found_in_outcomes():
    rng = np.random.default_rng(4)
    rates = rng.beta(0.9, 8.1, (8000, 1))
    before, outcomes = ((rng.random((8000, 28)) < rates).astype(float) for _ in range(2))
    variance = 0.1 * 0.9 * 0.1  # of the households' rates
    known = variance / (variance + (0.09 - variance) / 28)  # 28 days are a noisy view of a rate
    assert explained(before.mean(axis=1), outcomes) == pytest.approx(known, abs=0.04)
    assert explained(rng.random(8000), outcomes) < 0.01
    assert explained(np.zeros(8000), outcomes) == 0
