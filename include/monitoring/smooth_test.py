"""Are the counts of a window those of the reference: Neyman's smooth test on ordered cells, chi-square on named ones.

Each cell gets a few scores; the difference of the mean scores is what is tested. On ordered cells the scores are the
first orthogonal polynomials of the ranks, so four numbers stand for level, spread, skewness and tails (Neyman, 1937;
Rayner, Thas & Best, 2009). They are made from the cells that window and reference really have, so ties and few bins
need no correction. Against a shift this has the power of a rank test, where Kolmogorov and Smirnov's has less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from include.monitoring.sketch import Counts

Array = NDArray[np.float64]
ORDER = 4
_FEWEST = 5.0  # rows that a cell must expect in the smaller sample, for the chi-square to be right (Cochran, 1954)


@dataclass(frozen=True)
class Tested:
    """One column's test.

    Args:
        scores: What a row in each cell adds, shape (cells, components), centred over both samples.
        statistic: The sum of the squared standardised components.
        freedom: How many components could vary; 0 where every row is in one cell.
        p_value: Of the window and the reference having one distribution, rows being independent.
        rare_p: Exact p-value of the cells that are too rare for the scores, all together; 1 where there are none.
        effect: Cohen's w: the root of the squared mean scores, less what chance alone would add.
    """

    scores: Array
    statistic: float
    freedom: int
    p_value: float
    rare_p: float
    effect: float

    @property
    def both_p(self) -> float:
        """Return one p-value of the scores and the rare cells, by Bonferroni's rule."""
        return min(1.0, 2 * min(self.p_value, self.rare_p)) if self.rare_p < 1 else self.p_value


def compare(reference: Counts, window: Counts, *, ordered: bool) -> Tested:
    """Test a window's counts against the reference's, both of shape (cells,) and with at least one row.

    The last cell is that of missing values. The effect does not grow with the number of rows: for a shift of an amount
    it is about the shift in standard deviations, for shares .1 is small, .3 medium and .5 large (Cohen, 1988).
    """
    smaller, total = min(reference.sum(), window.sum()), reference.sum() + window.sum()
    pooled = (reference + window) / total
    rare = (pooled * smaller < _FEWEST) & (pooled > 0)
    if ordered:
        rare[:-1] = False  # in the ranks a rare range is next to its neighbours, which is all it needs
    scores = _scores(pooled, rare, ordered=ordered)
    difference = window / window.sum() - reference / reference.sum()
    effective = reference.sum() * window.sum() / total
    means = difference @ scores
    freedom = _freedom(pooled, rare, ordered=ordered)
    statistic = float(effective * (total - 1) / total * (means**2).sum())
    p_value = float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0
    rare_p, rare_effect = _rare(reference, window, rare)
    chance = freedom / effective
    effect = float(np.sqrt(max(0.0, (means**2).sum() - chance) + rare_effect**2))
    return Tested(scores, statistic, freedom, p_value, rare_p, effect)


def _scores(pooled: Array, rare: NDArray[np.bool_], *, ordered: bool) -> Array:
    kept = np.where(rare, 0.0, pooled)
    if not ordered:
        safe = np.where(kept > 0, kept, 1.0)
        return np.where(kept > 0, (np.eye(len(pooled)) - pooled) / np.sqrt(safe), 0.0)
    values = np.append(kept[:-1], 0.0)
    ranks = np.cumsum(values) - values / 2
    present = int((values > 0).sum())
    powers = np.vander(2 * ranks - 1, min(ORDER, max(present - 1, 0)) + 1, increasing=True)
    weight = np.sqrt(values)[:, None]
    orthonormal, _ = np.linalg.qr(powers * weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        polynomials = np.where(values[:, None] > 0, orthonormal[:, 1:] / weight, 0.0)
    share = kept[-1]
    if not 0 < share < 1:
        return polynomials
    missing = np.full(len(pooled), -share)
    missing[-1] += 1
    return np.column_stack([polynomials, missing / np.sqrt(share * (1 - share))])


def _freedom(pooled: Array, rare: NDArray[np.bool_], *, ordered: bool) -> int:
    kept = (pooled > 0) & ~rare
    if not ordered:
        return max(int(kept.sum()) - 1, 0)
    return min(ORDER, max(int(kept[:-1].sum()) - 1, 0)) + int(kept[-1] and pooled[-1] < 1)


def _rare(reference: Counts, window: Counts, rare: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the exact two-sided p-value of the rare cells' share, and its effect."""
    if not rare.any():
        return 1.0, 0.0
    before, now = int(reference[rare].sum()), int(window[rare].sum())
    law = stats.hypergeom(reference.sum() + window.sum(), before + now, window.sum())
    p_value = min(1.0, 2 * min(law.cdf(now), law.sf(now - 1)))
    share = (before + now) / (reference.sum() + window.sum())
    moved = now / window.sum() - before / reference.sum()
    return float(p_value), float(abs(moved) / np.sqrt(share * (1 - share))) if p_value < 0.05 else 0.0
