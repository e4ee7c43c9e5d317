"""Windows of days against the same season of the reference, where the rows of a day depend on each other.

Hours of a load and lines of a basket come in days, days in weather and weeks; a test that counts rows calls every week
a drift. So runs of as many days as the window has are taken from the reference, each is compared with the reference by
the very rule that the window is, and how far these lie apart is the null distribution (subsampling of blocks: Politis,
Romano & Wolf, 1999). The rule gives a run the days nearest in season, as far away from it as the window's are, and only
earlier ones where the window comes after the whole reference: a trend then is in both.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from include.monitoring.calm import Array, Looks
from include.monitoring.profile import ReferenceProfile
from include.monitoring.sketch import Counts
from include.monitoring.smooth_test import Tested, compare
from include.monitoring.window import WindowCounts

Places = NDArray[np.int64]
_YEAR = 365.25
_SEASON = 28  # days either side that count as the same season
_FEWEST_DAYS = 56  # a season is widened until it has so many days
_RUNS = 150  # calm runs that are looked at, those nearest in season


def compared(profile: ReferenceProfile, window: WindowCounts, *, first_day: dt.date, last_day: dt.date) -> Looks:
    """Compare a window of whole days with the same season of the reference.

    Returns:
        Looks whose ``calm`` has no row where the reference is too short for a run of as many days as the window has.
    """
    days = np.array([day.toordinal() for day in profile.days])
    first, last = first_day.toordinal(), last_day.toordinal()
    outside = (days < first) | (days > last)
    gap = int(np.minimum(np.abs(days[outside] - first), np.abs(days[outside] - last)).min(initial=_SEASON))
    past_only = bool(first > days.max())
    daily, starts = profile.daily.astype(np.int64), profile.starts
    season = daily[_season(days, first, last, gap, past_only=past_only)].sum(axis=0)
    runs = _runs(days, first, last, gap, past_only=past_only)
    inside = np.stack([daily[run] for run, _ in runs]).sum(axis=1) if runs else np.empty((0, daily.shape[1]))
    around = np.stack([daily[rest].sum(axis=0) for _, rest in runs]) if runs else inside
    # A run is judged by runs that it has no part in, as the window is.
    others = _unrelated(days[[run[0] for run, _ in runs]], last - first + 1) if runs else np.empty((0, 0))
    found = {
        name: _column(
            season[cells], inside[:, cells], around[:, cells], counts, others, ordered=profile.columns[name].ordered
        )
        for name, counts in window.columns.items()
        for cells in (starts[name],)
    }
    return Looks(
        {name: p_value for name, (p_value, _, _, _) in found.items()},
        {name: effect for name, (_, effect, _, _) in found.items()},
        {name: tested for name, (_, _, tested, _) in found.items()},
        np.column_stack([calm for _, _, _, calm in found.values()]) if found else np.empty((0, 0)),
        {
            name: _shift(season[starts[name]], counts)
            for name, counts in window.columns.items()
            if profile.columns[name].ordered
        },
    )


def _runs(days: Places, first: int, last: int, gap: int, *, past_only: bool) -> list[tuple[Places, Places]]:
    """Return calm runs of the window's length, each with the days that it is compared with; nearest in season first."""
    length = last - first + 1
    ends = np.searchsorted(days, days + length)
    whole = [start for start, end in enumerate(ends) if end - start == length]
    free = [start for start in whole if days[start] > last or days[start] + length <= first]
    ranked = sorted(free, key=lambda start: _apart(days[start] + length / 2, (first + last + 1) / 2))
    runs = []
    for start in ranked:
        rest = _season(days, int(days[start]), int(days[start]) + length - 1, gap, past_only=past_only)
        if len(rest) >= _FEWEST_DAYS // 2:
            runs.append((np.arange(start, start + length), rest))
        if len(runs) == _RUNS:
            break
    return runs


def _season(days: Places, first: int, last: int, gap: int, *, past_only: bool) -> Places:
    """Return the places of the days that a run is compared with."""
    far = days <= first - gap
    if not past_only:
        far |= days >= last + gap
    candidates = np.flatnonzero(far)
    apart = _apart(days[candidates], (first + last) / 2)
    within = int((apart <= _SEASON + (last - first) / 2).sum())
    return candidates[np.argsort(apart, kind="stable")[: max(within, _FEWEST_DAYS)]]


def _apart(one: np.ndarray | float, other: float) -> Array:
    """Return how many days two moments are apart in the year."""
    return np.abs((np.asarray(one) - other + _YEAR / 2) % _YEAR - _YEAR / 2)


def _column(
    season: Counts, inside: np.ndarray, around: np.ndarray, window: Counts, others: Array, *, ordered: bool
) -> tuple[float, float, Tested, Array]:
    """Return p-value and effect of the window, its test by rows, and the p-values of the calm runs."""
    if not season.sum() or not window.sum():
        return 1.0, 0.0, Tested(np.empty((0, 0)), 0.0, 0, 1.0, 1.0, 0.0), np.ones(len(inside))
    test = compare(season, window, ordered=ordered)
    if not len(inside):
        return test.p_value, test.effect, test, np.ones(0)
    calm = ((_shares(inside) - _shares(around)) @ test.scores) ** 2
    means = ((_shares(window[None]) - _shares(season[None]))[0] @ test.scores) ** 2
    spread = calm.mean(axis=0)
    if not spread.any():
        return test.p_value, test.effect, test, np.ones(len(inside))
    sums = (calm * _inverse(others @ calm)).sum(axis=1)
    effect = float(np.sqrt(max(0.0, means.sum() - spread.sum())))
    p_value = _scaled_chi_square(means @ _inverse(spread), sums.mean(), sums.var())
    mean = others @ sums
    return float(p_value), effect, test, _scaled_chi_square(sums, mean, others @ sums**2 - mean**2)


def _shift(season: Counts, window: Counts) -> float:
    """Return by what share of all cells the mean cell moved; what is missing is left out."""
    cells = np.arange(len(window) - 1)
    return float((_shares(window[:-1]) - _shares(season[:-1])) @ cells / max(len(cells), 1))


def _scaled_chi_square(seen: Array | float, mean: Array | float, variance: Array | float) -> Array:
    """Return the upper tail of a chi-square scaled to a mean and a variance (Satterthwaite, 1946)."""
    freedom = 2 * np.square(mean) / np.maximum(variance, 1e-12)
    return stats.chi2.sf(np.asarray(seen) * freedom / np.maximum(mean, 1e-12), freedom)


def _inverse(spread: Array) -> Array:
    return np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0.0)


def _unrelated(starts: Places, apart: int) -> Array:
    """Return for each run equal weights of the runs that share no day with it, shape (runs, runs)."""
    far = (np.abs(starts[:, None] - starts[None]) >= apart).astype(float)
    return far / np.maximum(far.sum(axis=1, keepdims=True), 1)


def _shares(counts: Counts) -> Array:
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
