"""Boundaries against published values, and against paths that were really walked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from include.experiments.boundaries import critical_values, crossing, obrien_fleming, pocock


def equal(looks):
    """Return times and correlations of equally spaced looks at independent observations."""
    time = np.arange(1, looks + 1) / looks
    return time, np.sqrt(time[:-1] / time[1:])


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        # Two-sided .05: Lan & DeMets' own program, as in Reboussin et al. (2000) and in R's gsDesign and ldbounds.
        (obrien_fleming, [4.877, 3.357, 2.680, 2.290, 2.031]),
        (pocock, [2.438, 2.427, 2.410, 2.397, 2.386]),
    ],
)
def test_five_looks_have_the_published_boundaries(spending, published):
    time, correlations = equal(5)
    assert critical_values(correlations, spending(time, 0.05)) == pytest.approx(published, abs=6e-4)


def test_one_look_is_the_usual_test():
    assert critical_values(np.empty(0), np.array([0.05])) == pytest.approx([1.959964], abs=1e-6)
    assert critical_values(np.empty(0), np.array([0.05]), sides=1) == pytest.approx([1.644854], abs=1e-6)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("correlation", ["independent", "saturating", "uneven"])
def test_walked_paths_cross_as_often_as_was_spent(sides, correlation):
    looks, runs = 14, 400_000
    rng = np.random.default_rng(7)
    time, rho = equal(looks)
    if correlation == "saturating":
        variance = 0.3 + 0.7 / np.arange(1, looks + 1)
        rho = np.sqrt(variance[1:] / variance[:-1])
    elif correlation == "uneven":
        rho = rng.uniform(0.3, 0.99, looks - 1)
    spent = pocock(time, 0.1)
    critical = critical_values(rho, spent, sides=sides)
    z = rng.standard_normal(runs)
    gone = np.zeros(runs, dtype=bool)
    for k in range(looks):
        if k:
            z = rho[k - 1] * z + np.sqrt(1 - rho[k - 1] ** 2) * rng.standard_normal(runs)
        gone |= (np.abs(z) if sides == 2 else z) >= critical[k]
        assert gone.mean() == pytest.approx(spent[k], abs=0.002)
    assert sides * crossing(critical, rho, np.zeros(looks), sides=sides) == pytest.approx(spent, abs=1e-6)


def test_power_is_what_walked_paths_have():
    looks, runs = 10, 400_000
    rng = np.random.default_rng(8)
    time, rho = equal(looks)
    critical, means = critical_values(rho, obrien_fleming(time, 0.05)), 2.5 * np.sqrt(time)
    noise, gone, up = rng.standard_normal(runs), np.zeros(runs, dtype=bool), np.zeros(looks)
    for k in range(looks):
        if k:
            noise = rho[k - 1] * noise + np.sqrt(1 - rho[k - 1] ** 2) * rng.standard_normal(runs)
        now = ~gone & (np.abs(noise + means[k]) >= critical[k])
        up[k] = (up[k - 1] if k else 0) + (now & (noise + means[k] > 0)).mean()
        gone |= now
    assert crossing(critical, rho, means) == pytest.approx(up, abs=0.003)


@pytest.mark.parametrize(("power", "inflation"), [(0.8, 1.028), (0.9, 1.026)])
def test_power_of_five_looks_is_the_published_one(power, inflation):
    # Jennison & Turnbull (2000), tables 2.3 and 2.4: O'Brien & Fleming's own boundaries, two-sided .05.
    time, rho = equal(5)
    drift = (norm.ppf(0.975) + norm.ppf(power)) * np.sqrt(inflation)
    assert crossing(2.040 / np.sqrt(time), rho, drift * np.sqrt(time))[-1] == pytest.approx(power, abs=5e-4)


def test_what_comes_later_does_not_change_a_boundary():
    time, rho = equal(20)
    spent, changed = obrien_fleming(time, 0.05), rho.copy()
    changed[10:] = 0.5
    assert critical_values(rho, spent)[:11] == pytest.approx(critical_values(changed, spent)[:11], abs=1e-9)
    assert critical_values(rho[:10], spent[:11]) == pytest.approx(critical_values(rho, spent)[:11], abs=1e-9)


def test_many_sequences_at_once_are_each_their_own():
    time, rho = equal(12)
    spent, other = obrien_fleming(time, 0.05), np.linspace(0.6, 0.98, 11)
    both = critical_values(np.stack([[rho, other]]), spent)
    assert both.shape == (1, 2, 12)
    for k, each in enumerate((rho, other)):
        assert both[0, k] == pytest.approx(critical_values(each, spent), abs=1e-5)


def test_looks_that_are_nearly_the_same_cost_nearly_nothing():
    time, _ = equal(28)
    critical = critical_values(np.ones(27), obrien_fleming(time, 0.05))
    assert np.isinf(critical[:2]).all()
    assert critical[-1] == pytest.approx(1.96, abs=0.01)
