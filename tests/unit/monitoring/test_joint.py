"""Whether a classifier tells window from reference only where they differ, and how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from include.monitoring.joint import told_apart


def cells(rows, draw, *, together=0.0):
    """Return cells of ten columns, the first two of them moving together to some degree."""
    values = draw.normal(size=(rows, 10))
    values[:, 1] = together * values[:, 0] + np.sqrt(1 - together**2) * values[:, 1]
    return np.clip(np.floor(4 * values + 10), 0, 19).astype(np.uint8)


def test_calm_samples_are_told_apart_no_oftener_than_stated():
    draw = np.random.default_rng(0)
    found = [told_apart(cells(200, draw), cells(200, draw), seed=seed).p_value for seed in range(80)]
    assert np.mean(np.array(found) <= 0.1) <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / len(found))
    # Were the folds taken as unrelated, the spread would be more than 1.2 of the stated.
    assert 0.7 < stats.norm.isf(found).std() < 1.1


def test_columns_that_no_longer_move_together_are_told_apart():
    draw = np.random.default_rng(0)
    found = told_apart(cells(1000, draw, together=0.9), cells(1000, draw), seed=0)
    assert found.p_value < 1e-6
    assert found.effect > 0.2


@pytest.mark.parametrize(("rows", "columns"), [(49, 10), (200, 1)])
def test_too_little_is_not_looked_at(rows, columns):
    draw = np.random.default_rng(0)
    assert told_apart(cells(200, draw)[:, :columns], cells(rows, draw)[:, :columns], seed=0) is None
