"""Does a feature look ahead? It is built twice: from everything, and from what was known at the origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from include.forecasting.panel import Array, Panel
from include.forecasting.windows import Horizon

Build = Callable[[Panel, pd.DatetimeIndex], Mapping[str, Array]]


def leaks(build: Build, panel: Panel, days: pd.DatetimeIndex, horizon: Horizon) -> list[str]:
    """Return the names of the feature groups that a later panel changes; none may be.

    Args:
        build: Makes the groups, each of shape (n, size), from a panel for n target days.
        panel: More than was known at the origins.
        days: Target days to try.
        horizon: Where they lie from their origins.
    """
    whole = build(panel, days)
    found: set[str] = set()
    for place, day in enumerate(days):
        honest = build(panel.known_at(horizon.origin(day)), days[place : place + 1])
        found |= {name for name, values in honest.items() if not _same(values[0], whole[name][place])}
        found |= set(whole) - set(honest)
    return sorted(found)


def _same(one: Array, other: Array) -> bool:
    """Return whether two rows agree but for rounding: the order of a sum depends on how many rows are summed."""
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True)
