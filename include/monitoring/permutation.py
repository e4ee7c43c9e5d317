"""The p-value of a small window: from windows drawn out of both samples put together, as if nothing told them apart.

The chi-square is the law of a statistic of many rows. Of a hundred it is too light in the tail, and the tail is where
the smallest of many columns is looked for: of named cells with few rows it called twice as many as it said.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from include.monitoring.sketch import Counts
from include.monitoring.smooth_test import Tested

SMALL = 1000  # rows of the smaller sample above which the chi-square is right as far out as it is looked at
_DRAWS, _ENOUGH = 20_000, 10  # windows that are drawn, and how many of them must lie further out to count them
# Drawn windows are asked about p-values between these; beyond either nothing would be decided otherwise.
_IN_DOUBT = (1e-8, 0.02)


def exact(tested: Tested, reference: Counts, window: Counts) -> Tested:
    """Return a test with its p-value read from drawn windows, where the window is small and the p-value is in doubt.

    Further out than the tenth of the drawn windows the p-value falls on as the chi-square does, so that it can be as
    small as many columns need. The same counts give the same p-value.

    Args:
        tested: The column's test, with the scores of its cells.
        reference: Counts of the reference, shape (cells,).
        window: Counts of the window, shape (cells,).
    """
    fewer, more = sorted((int(reference.sum()), int(window.sum())))
    if fewer > SMALL or not _IN_DOUBT[0] < tested.p_value < _IN_DOUBT[1]:
        return tested
    both = (reference + window).astype(np.int64)
    drawn = np.random.default_rng(0).multivariate_hypergeometric(both, fewer, size=_DRAWS, method="marginals")
    means = (drawn / fewer - (both - drawn) / more) @ tested.scores
    total = fewer + more
    statistics = fewer * more / total * (total - 1) / total * (means**2).sum(axis=1)
    further = int((statistics >= tested.statistic * (1 - 1e-9)).sum())
    if further >= _ENOUGH:
        return replace(tested, p_value=(1 + further) / (1 + _DRAWS))
    last = float(np.partition(statistics, -_ENOUGH)[-_ENOUGH])
    beyond = stats.chi2.sf(tested.statistic, tested.freedom) / stats.chi2.sf(last, tested.freedom)
    return replace(tested, p_value=float(min(1.0, beyond) * _ENOUGH / _DRAWS))
