"""The families that compete for a series, the simplest first: that is the order in which they are preferred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from include.errors import SourceError
from include.forecasting.kernel import DayKernel
from include.forecasting.models import HourlyBoosting, HourlyRidge
from include.forecasting.panel import Array
from include.forecasting.samples import Sample
from include.forecasting.simple import SameWeekday, SimilarDay, Yesterday
from include.forecasting.windows import Horizon


class Forecaster(Protocol):
    """Learns from days and what was measured on them, and forecasts days from what was known before them."""

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Learn from n days with what was measured, kW, shape (n, 24)."""
        ...

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        ...


@dataclass(frozen=True)
class Family:
    """A way to forecast.

    Args:
        name: What reports and stored rows call it.
        simple: Whether it is one of those that a model must beat.
        build: Makes an unfitted forecaster of a horizon and a seed.
    """

    name: str
    simple: bool
    build: Callable[[Horizon, int], Forecaster]


# Chosen on 2006 and 2007 (half years, each forecast by models that ended before it) for the total and zones 5 and 12,
# and rounded. 2008 had no part in it.
_WEATHER_UNKNOWN = {
    "linear": {"calendar": 0.15, "profile": 6.0, "week_ago": 0.15, "two_weeks_ago": 0.3, "last_day": 0.05,
               "others": 0.8, "degrees": 1.2, "last_hours": 3.0},
    "smooth": {"profile": 0.05, "days": 0.1, "last_day": 0.75, "week_of_weather": 0.4, "season": 0.2, "weekday": 1.0,
               "special": 0.3, "others": 0.1, "front": 0.35, "front_moves": 0.35, "day_change": 0.3,
               "morning_change": 0.2, "hourly_change": 0.3},
}  # fmt: skip
_WEATHER_GIVEN = {
    "linear": {"calendar": 0.1, "profile": 2.5, "week_ago": 0.05, "last_day": 0.15, "week_of_weather": 1.0,
               "others": 0.1, "degrees": 0.25, "last_hours": 1.2, "temperature": 20.0, "temperature_degrees": 1.2,
               "temperature_range": 0.1},
    "smooth": {"profile": 0.2, "last_day": 0.5, "week_of_weather": 0.3, "season": 0.25, "weekday": 0.5, "special": 1.6,
               "others": 0.1, "temperature": 1.0, "front": 0.08, "front_moves": 0.15, "day_change": 0.15,
               "morning_change": 0.1, "hourly_change": 0.08},
}  # fmt: skip


def _kernel(horizon: Horizon, seed: int) -> Forecaster:
    if horizon.temperature:
        return DayKernel(**_WEATHER_GIVEN, amplitude=2.0, noise=0.2, half_life=4.0)
    return DayKernel(**_WEATHER_UNKNOWN, amplitude=2.0, noise=1.4, half_life=0.0)


FAMILIES = (
    Family("yesterday", True, lambda horizon, seed: Yesterday()),
    Family("last_week", True, lambda horizon, seed: SameWeekday(weeks=1)),
    Family("four_weeks", True, lambda horizon, seed: SameWeekday(weeks=4)),
    Family("similar_day", True, lambda horizon, seed: SimilarDay()),
    Family("ridge", False, lambda horizon, seed: HourlyRidge(penalty=10.0 if horizon.temperature else 100.0)),
    Family("kernel", False, _kernel),
    Family(
        "boosting", False,
        lambda horizon, seed: HourlyBoosting(rounds=80, rate=0.1, leaves=15, smallest=60, seed=seed),
    ),
)  # fmt: skip
# What a packed forecaster may hold beside the types that skops trusts by itself.
TRUSTED = (
    "include.forecasting.kernel.DayKernel",
    "include.forecasting.models.HourlyBoosting",
    "include.forecasting.models.HourlyRidge",
    "include.forecasting.simple.SameWeekday",
    "include.forecasting.simple.SimilarDay",
    "include.forecasting.simple.Yesterday",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)


def family(name: str) -> Family:
    """Return a family by its name.

    Raises:
        SourceError: there is no such family.
    """
    for each in FAMILIES:
        if each.name == name:
            return each
    raise SourceError(
        expected=f"one of {', '.join(each.name for each in FAMILIES)}",
        seen=name,
        where="families of load forecasts",
        next_step="name a family that is there, or add one to include/forecasting/families.py",
    )
