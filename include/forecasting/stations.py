"""Which weather stations lie by a series: those whose temperature explains it best.

Where the places are not known, as in GEFCom2012, this is how its winners chose (Hong, Wang & White 2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from include.forecasting.panel import Array, Panel

NEAREST = 5  # of as many as there are; the mean of a few is steadier than the best
_MONTH = 28  # days
_FEWEST = 120  # days; before, all stations count
_HEATING, _COOLING = (45.0, 60.0), (60.0, 70.0)  # °F


def nearest(panel: Panel, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the columns of the stations by which each series' daily load is explained best, in their order.

    The load of a day over its month's is regressed on heating and cooling degrees over theirs, and on the weekday.

    Args:
        panel: What was known.
        names: The series.
    """
    days = panel.times[::24][: len(panel.times) // 24]
    heat = panel.hours_of(panel.temperature, days).mean(axis=1)
    weekday = np.eye(7)[days.day_of_week]
    designs = [np.column_stack([_over_month(_degrees(heat[:, station])), weekday]) for station in range(heat.shape[1])]
    everywhere = tuple(range(len(designs)))
    found = {}
    for name in names:
        load = panel.hours_of(panel.load[:, [panel.series(name)]], days)[:, :, 0].mean(axis=1)
        y = _over_month(np.log(np.where(load > 0, load, np.nan))[:, None])[:, 0]
        errors = np.array([_error(design, y) for design in designs])
        best = tuple(sorted(np.argsort(errors, kind="stable")[:NEAREST].tolist()))
        found[name] = best if np.isfinite(errors[list(best)]).all() else everywhere
    return found


def _degrees(temperature: Array) -> Array:
    heating = [np.maximum(knot - temperature, 0) for knot in _HEATING]
    return np.column_stack(heating + [np.maximum(temperature - knot, 0) for knot in _COOLING])


def _over_month(values: Array) -> Array:
    frame = pd.DataFrame(values)
    over: Array = (frame - frame.rolling(_MONTH, min_periods=_MONTH // 2).mean()).to_numpy()
    return over


def _error(design: Array, y: Array) -> float:
    """Return the mean squared error of a least-squares fit; infinite where too few days are whole."""
    whole = np.isfinite(design).all(axis=1) & np.isfinite(y)
    if whole.sum() < _FEWEST:
        return np.inf
    coefficients = np.linalg.lstsq(design[whole], y[whole], rcond=None)[0]
    return float(((y[whole] - design[whole] @ coefficients) ** 2).mean())
