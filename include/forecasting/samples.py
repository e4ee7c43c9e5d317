"""What a forecaster learns from and forecasts by: windows with their features, and what was measured afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.forecasting.calendar import Calendar
from include.forecasting.features import nearby, own, shared
from include.forecasting.panel import TOTAL, Array, Panel
from include.forecasting.stations import nearest
from include.forecasting.windows import Horizon, Windows, cut

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
        stations: Columns of the stations whose mean each series sees.
    """

    horizon: Horizon
    calendar: Calendar
    others: tuple[str, ...]
    stations: Mapping[str, tuple[int, ...]]


def view(panel: Panel, horizon: Horizon, calendar: Calendar, *, names: Sequence[str]) -> View:
    """Return the view of models that are trained on a panel.

    Args:
        panel: What was known at the training. Its largest series are what every forecast sees, the total left out.
        horizon: Where the target hours lie.
        calendar: Special days.
        names: The series that the models are for.
    """
    parts = [name for name in panel.names if name != TOTAL]
    size = np.nan_to_num(np.nanmean(panel.load[:, [panel.series(name) for name in parts]], axis=0))
    largest = [parts[place] for place in np.argsort(-size, kind="stable")[:MOST_OTHERS]]
    # Today's weather at a place follows from its own stations, tomorrow's from those of the whole region.
    everywhere = tuple(range(panel.temperature.shape[1]))
    stations = nearest(panel, names) if horizon.temperature else dict.fromkeys(names, everywhere)
    return View(horizon, calendar, tuple(sorted(largest)), stations)


def observe(
    panel: Panel, days: pd.DatetimeIndex, view: View, *, names: Sequence[str], target: Array | None = None
) -> dict[str, Sample]:
    """Return a sample for each series of what was known at the days' origins.

    Args:
        panel: At least what was known at the last origin; more of it changes nothing.
        days: Target days; midnights of the panel's clock.
        view: What the model looks at.
        names: The series to forecast.
        target: °F of the target hours, shape (n, 24, stations), where the horizon says that it is given.
    """
    others = [panel.series(name) for name in view.others]
    cuts = cut(panel, days, view.horizon, names=names, others=others, stations=view.stations, target=target)
    same = shared(next(iter(cuts.values())), view.calendar)
    free = view.calendar.free(days)
    return {name: Sample(windows, own(windows) | nearby(windows) | same, free) for name, windows in cuts.items()}


def measured(panel: Panel, days: pd.DatetimeIndex, name: str) -> Array:
    """Return what was measured on the days, kW, shape (n, 24); NaN where the panel does not know it."""
    return panel.hours_of(panel.load[:, [panel.series(name)]], days)[:, :, 0]


def actual_temperature(panel: Panel, days: pd.DatetimeIndex) -> Array:
    """Return what was recorded on the days, °F, shape (n, 24, stations): as a target's it is a perfect forecast."""
    return panel.hours_of(panel.temperature, days)
