"""How far a statistic may wander while it is looked at again and again: group-sequential boundaries.

The level is spent over the looks as Lan & DeMets (1983) say, by calendar time (Lan & DeMets 1989): the number of looks
is planned, so all of the level is spent at the end whatever the data's variance turned out to be. The boundaries come
from the recursive integration of Armitage, McPherson & Rowe (1969), as in Jennison & Turnbull (2000), chapter 19.

The recursion needs the correlation of each look's statistic with the one before. Where a later estimate contains all
that an earlier one knew this is √(information before / information now); here it may be measured instead.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

_FAR = 8.5  # beyond this a normal density is below 1e-16
_LEAST = 1e-10  # level below which a look cannot stop anything
_CLOSEST = 0.9995  # two looks more alike than this count as this much alike, which errs to the safe side
_STEPS = 9  # of Newton's method on the logarithm of a nearly normal tail
_ROOT = np.sqrt(2 * np.pi)


def obrien_fleming(time: Array, level: float) -> Array:
    """Return the level spent by a time in [0, 1], hardly any at first: for a decision that should wait.

    Two-sided, as Lan & DeMets (1983) approximate O'Brien & Fleming's (1979) boundaries, each side by itself.
    """
    return np.asarray(4 * ndtr(ndtri(level / 4) / np.sqrt(time)))


def pocock(time: Array, level: float) -> Array:
    """Return the level spent by a time in [0, 1], much of it at first: for harm that should be seen soon.

    As Lan & DeMets (1983) approximate the boundaries of Pocock (1977).
    """
    return np.asarray(level * np.log1p((np.e - 1) * time))


def critical_values(correlations: Array, spent: Array, *, sides: int = 2) -> Array:
    """Return the critical value of each look; a look that may spend almost nothing has an infinite one.

    Args:
        correlations: Of each look's statistic with the look's before, shape (..., K − 1); many sequences at once.
        spent: Level spent up to each look, both sides together, shape (K,), not falling.
        sides: 2: stops when |z| reaches the value; 1: when z does.

    Returns:
        Shape (..., K). The value of a look depends on the looks up to it alone.
    """
    leading = correlations.shape[:-1]
    rho = np.minimum(correlations, _CLOSEST).reshape(int(np.prod(leading)), correlations.shape[-1])
    values = np.full((len(rho), len(spent)), np.inf)
    able = np.flatnonzero(spent >= _LEAST)
    if not len(able):
        return values.reshape(*leading, len(spent))
    first = int(able[0])
    values[:, first] = -ndtri(spent[first] / sides)
    nodes, density = _start(values[:, first], sides, _count(rho, first, values[:, first], sides))
    for k in range(first + 1, len(spent)):
        r = rho[:, k - 1, None]
        spread = np.sqrt(1 - r**2)
        values[:, k] = _solve(nodes * r, spread, density, spent[k] - spent[k - 1], sides, values[:, k - 1])
        if k + 1 < len(spent):
            onto, weights = _nodes(values[:, k], sides, _count(rho, k, values[:, k], sides))
            density = weights * _carried(onto, nodes * r, spread, density)
            nodes = onto
    return values.reshape(*leading, len(spent))


def crossing(critical: Array, correlations: Array, means: Array, *, sides: int = 2) -> Array:
    """Return the chance that a sequence has stopped at its upper boundary by each look.

    Args:
        critical: Critical values, shape (K,).
        correlations: Of each look with the one before, shape (K − 1,).
        means: What each look's statistic is expected to be, shape (K,); zeros where nothing differs.
        sides: As of the critical values: with 2, what has stopped at the lower boundary never comes back.
    """
    rho, chances = np.minimum(correlations, _CLOSEST)[None], np.zeros(len(critical))
    able = np.flatnonzero(np.isfinite(critical))
    if not len(able):
        return chances
    first, reach = int(able[0]), float(np.abs(means).max())
    chances[first:] = ndtr(means[first] - critical[first])
    nodes, weights = _nodes(critical[[first]], sides, _count(rho, first, critical[[first]], sides, reach), reach)
    density = weights * np.exp(-((nodes - means[first]) ** 2) / 2) / _ROOT
    for k in range(first + 1, len(critical)):
        spread = np.sqrt(1 - rho[:, k - 1, None] ** 2)
        centres = means[k] + rho[0, k - 1] * (nodes - means[k - 1])
        chances[k] = chances[k - 1] + (density * ndtr((centres - critical[k]) / spread)).sum()
        onto, weights = _nodes(critical[[k]], sides, _count(rho, k, critical[[k]], sides, reach), reach)
        density = weights * _carried(onto, centres, spread, density)
        nodes = onto
    return chances


def _count(rho: Array, k: int, edge: Array, sides: int, reach: float = 0.0) -> int:
    """Return how many nodes carry the step from look k on: no two further apart than the step is wide."""
    narrowest = float(np.sqrt(1 - rho[:, k] ** 2).min()) if k < rho.shape[1] else 1.0
    upper = min(float(edge.max()), _FAR + reach)
    half = upper if sides == 2 else (upper + _FAR + reach) / 2
    return 16 * int(np.clip(np.ceil(3.6 * half / narrowest / 16), 3, 75))


@cache
def _legendre(count: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(count)
    return x, w


def _nodes(edge: Array, sides: int, count: int, reach: float = 0.0) -> tuple[Array, Array]:
    """Return Gauss–Legendre nodes and weights over the region in which the looks go on, shape (n, count)."""
    x, w = _legendre(count)
    upper = np.minimum(edge, _FAR + reach)[:, None]
    lower = -upper if sides == 2 else np.full_like(upper, -_FAR - reach)
    half = (upper - lower) / 2
    return (upper + lower) / 2 + half * x, half * w


def _start(edge: Array, sides: int, count: int) -> tuple[Array, Array]:
    nodes, weights = _nodes(edge, sides, count)
    return nodes, weights * np.exp(-(nodes**2) / 2) / _ROOT


def _carried(onto: Array, centres: Array, spread: Array, density: Array) -> Array:
    """Return the density at the next look's nodes of what has not stopped before."""
    apart = (onto[:, :, None] - centres[:, None, :]) / spread[:, :, None]
    np.multiply(apart, apart, out=apart)
    apart *= -0.5
    np.exp(apart, out=apart)
    return np.asarray(np.einsum("nij,nj->ni", apart, density) / (spread * _ROOT))


def _solve(centres: Array, spread: Array, density: Array, wanted: float, sides: int, start: Array) -> Array:
    """Return the value that the statistic passes for the first time at this look with the wanted chance."""
    if wanted < _LEAST:
        return np.full(len(start), np.inf)
    value = np.where(np.isfinite(start), start, -ndtri(wanted / sides))
    for _ in range(_STEPS):
        z = (centres - value[:, None]) / spread
        tail = sides * (density * ndtr(z)).sum(axis=1)  # symmetric where there are two sides
        slope = sides * (density * np.exp(-(z**2) / 2)).sum(axis=1) / (spread[:, 0] * _ROOT)
        value = value + np.clip((np.log(np.maximum(tail, 1e-300)) - np.log(wanted)) * tail / slope, -1.0, 1.0)
    return np.asarray(value)
