"""The p-value of a small window, against scipy's own permutations and where it must keep out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from include.monitoring.permutation import SMALL, exact
from include.monitoring.smooth_test import compare

REFERENCE = np.array([1300, 600, 350, 150, 250, 0])


def sharpened(window, *, ordered=False, reference=REFERENCE):
    rough = compare(reference, np.array(window), ordered=ordered)
    return rough, exact(rough, reference, np.array(window))


@pytest.mark.parametrize("window", [[35, 40, 16, 6, 3, 0], [36, 22, 14, 6, 22, 0]])
def test_it_agrees_with_permutations_of_the_rows_themselves(window):
    rough, found = sharpened(window)
    table = np.array([REFERENCE[:-1], window[:-1]])
    permuted = stats.chi2_contingency(
        table, correction=False, method=stats.PermutationMethod(n_resamples=5000, rng=np.random.default_rng(1))
    )
    assert rough.p_value < 0.02, "else nothing is drawn"
    assert found.p_value == pytest.approx(permuted.pvalue, abs=5 * np.sqrt(permuted.pvalue / 5000))
    assert found.p_value != rough.p_value


def test_the_same_counts_give_the_same_p_value():
    window = [36, 22, 14, 6, 22, 0]
    assert sharpened(window)[1].p_value == sharpened(window)[1].p_value


def test_of_few_rows_in_many_named_cells_the_chi_square_says_too_little():
    reference = np.array([2500, *[250] * 9, 250, 0])
    windows = np.random.default_rng(2).multivariate_hypergeometric(reference, 100, size=3000, method="marginals")
    bound = 0.001
    rough, found = zip(*(sharpened(each, reference=reference - each) for each in windows), strict=True)
    called, said = (np.mean([each.p_value <= bound for each in tested]) for tested in (rough, found))
    assert said <= called
    assert said <= bound + 2 * np.sqrt(bound / len(windows))


def test_further_out_than_any_drawn_window_it_goes_on_falling():
    further = [sharpened([49 - more, 22, 14, 6, 9 + more, 0])[1].p_value for more in (12, 14, 16, 17)]
    assert further == sorted(further, reverse=True)
    assert further[-1] < 1 / 20_000


def test_ordered_cells_are_drawn_as_well():
    rough, found = sharpened([36, 22, 14, 6, 22, 0], ordered=True)
    assert rough.p_value < 0.02
    assert found.p_value == pytest.approx(rough.p_value, rel=1.5)
    assert found.p_value != rough.p_value


def test_of_a_large_window_and_of_one_that_nobody_doubts_it_says_what_was_said():
    large = REFERENCE * SMALL // 1000 + np.array([200, 0, 0, 0, 0, 0])
    assert len(set(map(id, sharpened(large)))) == 1
    assert len(set(map(id, sharpened([52, 24, 14, 6, 4, 0])))) == 1
