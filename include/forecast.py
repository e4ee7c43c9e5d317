"""What a forecast is, as data: hourly series that add up, read at a fixed hour, foretold for the days to come.

Checked when the DAG file is parsed, like ``include.spec``, of which it is one kind.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from include.part import Part, Share
from include.spec import DatasetUseCase

SimpleName = Literal["yesterday", "last_week", "four_weeks", "similar_day"]
FamilyName = Literal[SimpleName, "ridge", "kernel", "boosting"]


class Watch(Part):
    """When an error is large enough to train a series anew."""

    window_days: int = Field(default=7, ge=2, description="days of forecasts that are judged together")
    min_days: int = Field(default=3, ge=1, description="fewest days with truth that are judged")
    max_error_ratio: float = Field(default=1.5, gt=1, description="error over the backtest's that is too much")
    level_jump: float = Field(default=1.5, gt=1, description="ratio of levels, either way, that is a jump by name")
    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="confidence that the error really is larger")
    coverage: tuple[Share, Share] = Field(default=(0.6, 0.95), description="coverage of the 80 % band that is honest")


class Forecast(DatasetUseCase):
    """A use case whose models foretell hourly series and their total; the first dataset is the one that is foretold."""

    series: tuple[str, ...] = Field(min_length=1, description="the series that add up to the total; keys of the models")
    total: str = Field(default="total", description="name of their sum")
    calendar: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function() -> include.forecasting.Calendar")
    families: tuple[FamilyName, ...] = Field(min_length=2, description="ways to forecast, the simplest first")
    gate_closure_hour: int = Field(default=12, ge=1, le=23, description="hour of the day before, at which is forecast")
    horizon_days: int = Field(default=7, ge=1, description="days that are forecast, beginning with tomorrow")
    backtest_days: int = Field(default=56, ge=14, description="newest days, of which none was learned, that judge")
    min_history_days: int = Field(default=120, ge=35, description="fewest days that may be learned from")
    series_a_batch: int = Field(default=5, ge=1, description="series that one mapped task trains")
    primary_metric: Literal["mape", "mae"] = Field(default="mape", description="metric that decides")
    watch: Watch = Field(default_factory=Watch, description="when a series is trained anew")

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the series and their total: each has a model of its own."""
        return (*self.series, self.total)

    @property
    def simple(self) -> tuple[FamilyName, ...]:
        """Return the families that learn nothing or only remember: what a model must beat."""
        return tuple(name for name in self.families if name in get_args(SimpleName))

    @property
    def batches(self) -> tuple[tuple[str, ...], ...]:
        """Return the series of each training task: few and fat, for each task reads the history anew."""
        size = self.series_a_batch
        return tuple(self.keys[start : start + size] for start in range(0, len(self.keys), size))

    @property
    def leads(self) -> tuple[int, ...]:
        """Return the hours from gate closure to the start of each day that is forecast."""
        first = 24 - self.gate_closure_hour
        return tuple(first + 24 * day for day in range(self.horizon_days))

    def origin(self, day: dt.date) -> dt.datetime:
        """Return the moment at which the forecast of a day's gate closure is made, UTC."""
        return dt.datetime.combine(day, dt.time(self.gate_closure_hour), dt.UTC)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.simple or len(self.simple) == len(self.families):
            raise ValueError(f"families are {self.families}; name at least a simple one and a model that must beat it")
        for names, what in ((self.families, "families"), (self.keys, "series")):
            if doubled := sorted({name for name in names if list(names).count(name) > 1}):
                raise ValueError(f"{what} have the names {doubled} twice; each name must be given once")
        return self
