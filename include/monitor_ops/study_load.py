"""The retraining study of a forecast: weeks of the total, forecast for the day ahead by models fitted before each."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.catalog import resolve
from include.clock import business_time
from include.deployment.journal import Journal
from include.forecast import Forecast
from include.forecast_ops.history import history
from include.forecast_ops.training import usable_days
from include.forecasting.backtest import mape
from include.forecasting.families import Forecaster
from include.forecasting.families import family as family_of
from include.forecasting.samples import Sample, measured, observe, view
from include.forecasting.windows import Horizon
from include.models import registry
from include.monitor_ops.reference import Dated, watched_hours
from include.monitor_ops.study_material import ONE, Plan, Span, landed_days
from include.monitoring.cadence import Metric, Quality
from include.monitoring.profile import ReferenceProfile

WINDOW_DAYS, MOST_WINDOWS = 7, 104
_KWH_IN_MWH = 1000


class LoadMaterial:
    """A history, and what could be known at the gate closure before each of its days, computed once.

    Args:
        spec: The use case.
        plan: What is replayed.
    """

    margin_is_share = True
    metrics = (
        Metric(name="mape", unit="% of the load", higher_is_better=False),
        Metric(name="imbalance", unit="kWh for each MWh", higher_is_better=False),
    )

    def __init__(self, spec: Forecast, plan: Plan) -> None:
        self._spec, self._family = spec, plan.family
        self._horizon = Horizon(spec.leads[0], temperature=True)
        known = history(spec, known_at=business_time(plan.windows[-1].last), first_day=min(landed_days(spec)))
        self._days = usable_days(known, self._horizon)
        # What a model looks at is chosen once, by what was known before the first window.
        first = known.panel.known_at(self._horizon.origin(pd.Timestamp(plan.windows[0].first, tz="UTC")))
        looks = view(first, self._horizon, resolve(spec.calendar)(), names=[spec.total])
        heat = known.temperature(self._days, self._horizon)
        self._sample = observe(known.panel, self._days, looks, names=[spec.total], target=heat)[spec.total]
        self._actual = measured(known.panel, self._days, spec.total)
        self.dated = watched_hours(known.panel)
        self.about = (
            f"The total alone, for the day ahead, by family {plan.family} with weather forecasts as issued. A real "
            f"training makes {len(spec.keys)} series, each for {len(spec.leads)} days ahead and with a backtest."
        )

    @threadpool_limits.wrap(limits=1)
    def fit(self, window: Span) -> Forecaster:
        """Return the forecaster of a window: it has learned from the days that ended before its first gate closure."""
        origin = self._horizon.origin(pd.Timestamp(window.first, tz="UTC"))
        rows = np.flatnonzero(self._days < origin.floor("D"))
        made = family_of(self._family).build(self._horizon, self._spec.seed)
        return made.fit(_part(self._sample, rows), self._actual[rows])

    @threadpool_limits.wrap(limits=1)
    def quality(self, model: Forecaster, window: Span) -> Quality:
        """Return the error over the window's days, and the energy that was forecast wrongly."""
        first, last = (pd.Timestamp(day, tz="UTC") for day in (window.first, window.last))
        rows = np.flatnonzero((self._days >= first) & (self._days <= last))
        actual = self._actual[rows]
        there = np.nan_to_num(actual) > 0
        if not there.any():
            return {each.name: float("nan") for each in self.metrics}
        forecast = model.predict(_part(self._sample, rows))
        wrong = np.abs(forecast[there] - actual[there]).sum()
        return {"mape": mape(actual, forecast), "imbalance": float(_KWH_IN_MWH * wrong / actual[there].sum())}

    def reference(self, window: Span) -> ReferenceProfile:
        """Return the profile of all hours before a window."""
        days = self.dated.days
        before = self.dated.between(days.iloc[0], window.first - ONE)
        return Dated(before, days.iloc[: len(before)]).reference(self._spec)


def material(spec: Forecast, plan: Plan) -> LoadMaterial:
    """Return the history of a plan."""
    return LoadMaterial(spec, plan)


def reach(spec: Forecast) -> Span:
    """Return the days for which a model can be fitted and judged, of all that have landed."""
    days = landed_days(spec)
    return Span(first=min(days) + dt.timedelta(days=spec.min_history_days), last=max(days) - ONE)


def family(spec: Forecast) -> str:
    """Return the family of the total's champion, or the last of the spec's where there is none."""
    champion = Journal(spec.name).state().of(spec.total).champion
    return registry.forecast_of(champion).family if champion else spec.families[-1]


def _part(sample: Sample, rows: np.ndarray) -> Sample:
    """Return some of the forecasts to make."""
    windows = sample.windows
    target = None if windows.target is None else windows.target[rows]
    kept = replace(
        windows, days=windows.days[rows], load=windows.load[rows], level=windows.level[rows],
        share=windows.share[rows], others=windows.others[rows], past=windows.past[rows],
        nearby=windows.nearby[rows], target=target,
    )  # fmt: skip
    return Sample(kept, {name: group[rows] for name, group in sample.groups.items()}, sample.free[rows])
