"""Thompson sampling: same seed, same shares; more to what is better; less lost than by an A/B."""

from __future__ import annotations

import pytest
from scipy.integrate import quad
from scipy.stats import beta

from include.experiments.bandit import posterior, regret, weights
from include.experiments.plan import Assumptions


def test_nothing_seen_is_half_and_half():
    shares = weights([posterior(0, 0), posterior(0, 0)], seed="x|1")
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(0.5, abs=0.02)


def test_shares_are_the_chance_to_be_best():
    seen = [posterior(50, 1000), posterior(60, 1000)]
    first, second = (beta(each.successes, each.failures) for each in seen)
    chance = quad(lambda rate: second.pdf(rate) * first.cdf(rate), 0, 0.2)[0]
    assert weights(seen, seed="x|1", least=0)[1] == pytest.approx(chance, abs=0.025)
    assert weights(seen, seed="x|1") == weights(seen, seed="x|1")
    assert weights(seen, seed="x|1") != weights(seen, seed="x|2")


def test_no_variant_is_given_up():
    shares = weights([posterior(900, 1000), posterior(1, 1000), posterior(2, 1000)], seed="x|1", least=0.05)
    assert shares == pytest.approx((0.9, 0.05, 0.05))


def test_days_of_the_same_households_make_it_less_sure():
    alike = posterior(500, 10_000, days=10, correlation=0.2)
    assert alike.mean == pytest.approx(0.05, abs=0.001)
    assert alike.successes == pytest.approx(1 + 500 / 2.8)


def test_it_loses_less_than_an_ab_and_than_waiting():
    test = Assumptions(baseline=0.05, days=14, correlation=0.1)
    found = regret((0.05, 0.08), units=400, test=test, horizon=42, runs=25, seed=5)
    assert found.thompson < 0.8 * found.ab
    assert found.thompson < 0.5 * found.champion
    assert found.chosen_thompson > found.chosen_ab
    assert found == regret((0.05, 0.08), units=400, test=test, horizon=42, runs=25, seed=5)


def test_a_worse_challenger_costs_little():
    test = Assumptions(baseline=0.05, days=14, correlation=0.1)
    found = regret((0.07, 0.05), units=400, test=test, horizon=42, runs=15, seed=6)
    assert found.champion == 0
    assert found.chosen_ab == 1  # an A/B without result keeps the champion
    assert found.thompson < 0.25 * 0.02 * 400 * 42
