"""Which series add up to which: a tree of sums over space, over time, or over anything else.

Series lie bottom first, then the sums. A bottom series is forecast and never computed from others; a sum is always the
sum of bottom series, so one matrix says everything (Hyndman & Athanasopoulos, 2021, ch. 11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.errors import ForecastError

Array = NDArray[np.float64]
MAX_GAP = 1e-9


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Names of all series, and of which bottom series each sum is made.

    Attributes:
        names: Bottom series first, then the sums.
        sums: Shape (sums, bottom), one where the bottom series belongs to the sum.
    """

    names: tuple[str, ...]
    sums: Array

    @property
    def bottom(self) -> int:
        """Return the number of bottom series."""
        return int(self.sums.shape[1])

    @property
    def matrix(self) -> Array:
        """Return the summing matrix S, shape (series, bottom)."""
        return np.vstack([np.eye(self.bottom), self.sums])

    def complete(self, bottom: Array) -> Array:
        """Return all series, shape (…, series, hours), from the bottom ones, shape (…, bottom, hours)."""
        return np.concatenate([bottom, self.sums @ bottom], axis=-2)

    def gap(self, values: Array) -> float:
        """Return the largest distance of a sum from its parts, relative to the parts' magnitude.

        Args:
            values: All series, shape (…, series, hours).
        """
        bottom, stated = values[..., : self.bottom, :], values[..., self.bottom :, :]
        magnitude = np.maximum(self.sums @ np.abs(bottom), np.finfo(float).tiny)
        return float((np.abs(stated - self.sums @ bottom) / magnitude).max(initial=0.0))


def tree(children: Mapping[str, Sequence[str]]) -> Hierarchy:
    """Return the hierarchy of a tree, e.g. ``{"total": ["north", "south"], "north": ["zone 1", "zone 2"], …}``.

    Raises:
        ForecastError: a series is its own ancestor, or has no children although it is named as a parent.
    """
    leaves = list(dict.fromkeys(name for names in children.values() for name in names if name not in children))

    def below(name: str, path: tuple[str, ...]) -> list[str]:
        if name in path or not children.get(name, [name]):
            raise ForecastError(
                expected="a tree, each sum of at least one series other than itself",
                seen=" → ".join([*path, name]),
                where="hierarchy",
                next_step="mend the list of children",
            )
        if name not in children:
            return [name]
        return [leaf for child in children[name] for leaf in below(child, (*path, name))]

    place = {leaf: index for index, leaf in enumerate(leaves)}
    sums = np.zeros((len(children), len(leaves)))
    for row, parent in enumerate(children):
        for leaf in below(parent, ()):
            sums[row, place[leaf]] += 1
    return Hierarchy((*leaves, *children), sums)


def over_time(day_lengths: Sequence[int]) -> Hierarchy:
    """Return the hierarchy hour → day → whole period; a day has 23 or 25 hours where the clock changes.

    Its bottom are the hours of the period in their order, its sums the days and then the period.
    """
    day_of_hour = np.repeat(np.arange(len(day_lengths)), day_lengths)
    days = (day_of_hour == np.arange(len(day_lengths))[:, None]).astype(float)
    hours = tuple(f"hour {hour + 1}" for hour in range(len(day_of_hour)))
    names = (*hours, *(f"day {day + 1}" for day in range(len(day_lengths))), "period")
    return Hierarchy(names, np.vstack([days, np.ones(len(day_of_hour))]))


def over_days(values: Array, day_lengths: Sequence[int]) -> Array:
    """Return sums over each day and over the whole period, read off the hourly path, so that they agree with it.

    Args:
        values: Forecasts or sample paths, shape (…, series, hours).
        day_lengths: Hours of each day; they make up the period.

    Returns:
        Shape (…, series, days + 1), the period last.

    Raises:
        ForecastError: the days have more or fewer hours than the path.
    """
    if sum(day_lengths) != values.shape[-1]:
        raise ForecastError(
            expected=f"days of {values.shape[-1]} hours together",
            seen=f"{list(day_lengths)}, {sum(day_lengths)} hours",
            where="sums over days",
            next_step="count the hours of each local day; it has 23 or 25 where the clock changes",
        )
    return values @ over_time(day_lengths).sums.T
