"""What would have been forecast: day by day, by models that ended before each month."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.errors import SourceError
from include.forecasting.calendar import Calendar
from include.forecasting.families import Family
from include.forecasting.panel import HOUR, Array, Panel
from include.forecasting.samples import measured, observe, view
from include.forecasting.windows import LENGTH, Horizon

Temperature = Callable[[Panel, pd.DatetimeIndex], Array]
_AT_ONCE = 25  # series that are held in memory together


@dataclass(frozen=True)
class Backtest:
    """Forecasts and truth of one series.

    Args:
        days: Target days, shape (n,).
        actual: kW, shape (n, 24); NaN where it was never measured.
        forecasts: kW by family, each of shape (n, 24).
        seconds: Mean CPU time of a fit by family.
    """

    days: pd.DatetimeIndex
    actual: Array
    forecasts: dict[str, Array]
    seconds: dict[str, float]

    def losses(self, *, most_missing: int = 4) -> dict[str, Array]:
        """Return the mean absolute error of each whole day by family, kW, for the comparison of forecasters.

        Args:
            most_missing: Days on which more hours were not measured are left out.
        """
        whole = np.isnan(self.actual).sum(axis=1) <= most_missing
        return {
            name: np.nanmean(np.abs(values[whole] - self.actual[whole]), axis=1)
            for name, values in self.forecasts.items()
        }


def backtest(
    panel: Panel,
    names: Sequence[str],
    families: Sequence[Family],
    horizon: Horizon,
    calendar: Calendar,
    days: pd.DatetimeIndex,
    *,
    temperature: Temperature | None = None,
    seed: int = 0,
) -> dict[str, Backtest]:
    """Return rolling-origin forecasts of each series, with a new fit on all that is known at the start of each month.

    Args:
        panel: Everything that was measured.
        names: The series.
        families: Who forecasts.
        horizon: Where the target hours lie from the origin.
        calendar: Special days.
        days: Target days, in order.
        temperature: Gives the temperature of target days, of shape (n, 24, stations), from a panel; needed where the
            horizon says that it is given. It is asked for training days and target days alike.
        seed: Of the families that draw.

    Raises:
        SourceError: the horizon wants a temperature and there is no function that gives it.
    """
    if horizon.temperature and temperature is None:
        raise SourceError(
            expected="a function that gives the temperature of the target days",
            seen="none",
            where="backtest",
            next_step="pass `temperature`, or choose a horizon without",
        )
    ordinal = days.year * 12 + days.month
    months = [days[ordinal == each] for each in ordinal.unique()]
    found: dict[str, Backtest] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        parts = [_fold(panel, some, families, horizon, calendar, month, temperature, seed) for month in months]
        found |= {name: _joined([part[name] for part in parts]) for name in some}
    return found


def training_days(known: Panel, origin: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the days that have ended by an origin and have a whole window before them."""
    first = (known.times[0] + LENGTH * HOUR + pd.Timedelta(days=1)).ceil("D")
    return pd.date_range(first, origin.floor("D"), freq="D", inclusive="left")


def _fold(
    panel: Panel,
    names: Sequence[str],
    families: Sequence[Family],
    horizon: Horizon,
    calendar: Calendar,
    days: pd.DatetimeIndex,
    temperature: Temperature | None,
    seed: int,
) -> dict[str, Backtest]:
    origin = horizon.origin(days[0])
    known = panel.known_at(origin)
    past = training_days(known, origin)
    looks = view(known, horizon, calendar, names=names)
    wanted = temperature if horizon.temperature else None
    train = observe(known, past, looks, names=names, target=wanted(known, past) if wanted else None)
    ahead = observe(panel, days, looks, names=names, target=wanted(panel, days) if wanted else None)
    found = {}
    for name in names:
        truth = measured(known, past, name)
        forecasts, seconds = {}, {}
        for family in families:
            begun = time.process_time()
            model = family.build(horizon, seed).fit(train[name], truth)
            seconds[family.name] = time.process_time() - begun
            forecasts[family.name] = model.predict(ahead[name])
        found[name] = Backtest(days, measured(panel, days, name), forecasts, seconds)
    return found


def _joined(parts: list[Backtest]) -> Backtest:
    return Backtest(
        days=parts[0].days.append([part.days for part in parts[1:]]),
        actual=np.vstack([part.actual for part in parts]),
        forecasts={name: np.vstack([part.forecasts[name] for part in parts]) for name in parts[0].forecasts},
        seconds={name: float(np.mean([part.seconds[name] for part in parts])) for name in parts[0].seconds},
    )


def mape(actual: Array, forecast: Array) -> float:
    """Return the mean absolute percentage error over all hours that were measured and are not zero, %."""
    there = np.nan_to_num(actual) > 0
    return float(100 * np.abs(forecast[there] / actual[there] - 1).mean())


def mae(actual: Array, forecast: Array) -> float:
    """Return the mean absolute error over all hours that were measured, kW."""
    return float(np.nanmean(np.abs(forecast - actual)))
