"""What a forecaster learns from and forecasts by: windows with their features, and what was measured afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.forecasting.calendar import Calendar
from include.forecasting.features import common, own
from include.forecasting.panel import TOTAL, Array, Panel
from include.forecasting.windows import DAY, Horizon, Windows, cut

MOST_OTHERS = 20  # of the largest series; more would make the cost of a fit grow with the number of series


@dataclass(frozen=True)
class Sample:
    """n forecasts to make of one series.

    Args:
        windows: What was known.
        groups: Its features by group, each of shape (n, size of the group).
        free: Which of the days are holidays, shape (n,).
    """

    windows: Windows
    groups: dict[str, Array]
    free: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.windows.days)


@dataclass(frozen=True)
class View:
    """What a model looks at; fixed at its training, and kept with it.

    Args:
        horizon: Where the target hours lie, and whether their temperature is given.
        calendar: Special days.
        others: Names of the series whose last day every forecast sees.
    """

    horizon: Horizon
    calendar: Calendar
    others: tuple[str, ...]


def view(panel: Panel, horizon: Horizon, calendar: Calendar) -> View:
    """Return the view of a model that is trained on a panel: the others are its largest series, the total left out."""
    parts = [name for name in panel.names if name != TOTAL]
    size = np.nan_to_num(np.nanmean(panel.load[:, [panel.series(name) for name in parts]], axis=0))
    largest = [parts[place] for place in np.argsort(-size, kind="stable")[:MOST_OTHERS]]
    return View(horizon, calendar, tuple(sorted(largest)))


def observe(
    panel: Panel, days: pd.DatetimeIndex, view: View, *, names: Sequence[str], target: Array | None = None
) -> dict[str, Sample]:
    """Return a sample for each series of what was known at the days' origins.

    Args:
        panel: At least what was known at the last origin; more of it changes nothing.
        days: Target days; midnights of the panel's clock.
        view: What the model looks at.
        names: The series to forecast.
        target: °F of the target hours, shape (n, 24), where the horizon says that it is given.
    """
    others = [panel.series(name) for name in view.others]
    cuts = cut(panel, days, view.horizon, names=names, others=others, target=target)
    shared = common(next(iter(cuts.values())), view.calendar)
    free = view.calendar.free(days)
    return {name: Sample(windows, own(windows) | shared, free) for name, windows in cuts.items()}


def measured(panel: Panel, days: pd.DatetimeIndex, name: str) -> Array:
    """Return what was measured on the days, kW, shape (n, 24); NaN where the panel does not know it."""
    return _days(panel.load[:, panel.series(name)], panel, days)


def actual_temperature(panel: Panel, days: pd.DatetimeIndex) -> Array:
    """Return the stations' mean on the days, °F, shape (n, 24): as a target's temperature it is a perfect forecast."""
    return _days(panel.temperature.mean(axis=1), panel, days)


def _days(values: Array, panel: Panel, days: pd.DatetimeIndex) -> Array:
    place = np.array([panel.place(day) for day in days], dtype=int)[:, None] + np.arange(DAY)
    inside = (place >= 0) & (place < len(values))
    return np.where(inside, values[np.where(inside, place, 0)], np.nan)
