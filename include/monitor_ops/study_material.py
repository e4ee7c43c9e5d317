"""What a study of retraining needs of a use case: its windows, how a model is made before one, how good it is in it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from pydantic import Field

from include.data.tables import Table
from include.errors import SourceError
from include.monitor_ops.reference import Dated
from include.monitor_ops.windows import newest_windows
from include.monitoring.cadence import InUse, Metric, Quality, Trigger
from include.monitoring.profile import ReferenceProfile
from include.records import Record
from include.spec import DatasetUseCase, UseCase

ONE = dt.timedelta(days=1)


class Span(Record):
    """Some days in a row."""

    first: dt.date
    last: dt.date


class Plan(Record):
    """What a study replays; fixed at its start."""

    use_case: str
    windows: tuple[Span, ...] = Field(description="in the order of time, one after the other")
    every: tuple[int, ...] = Field(description="windows between two trainings, for each cadence")
    family: str = Field(description="the family that is fitted anew before each window")


class Material(Protocol):
    """A use case's history, read once."""

    metrics: tuple[Metric, ...]  # the first of them decides
    margin_is_share: bool  # whether the gates' margin is a share of the metric
    about: str  # what is fitted and judged, and what is smaller than in a real training
    dated: Dated  # the rows whose drift is looked at

    def fit(self, window: Span) -> Any:
        """Return the model that would have been made just before a window."""
        ...

    def quality(self, model: Any, window: Span) -> Quality:
        """Return how good a model was in a window; NaN where that cannot be said."""
        ...

    def reference(self, window: Span) -> ReferenceProfile:
        """Return the profile of what was known before a window."""
        ...


def landed_days(spec: DatasetUseCase) -> set[dt.date]:
    """Return the days that a study can be about.

    Raises:
        SourceError: nothing has landed.
    """
    table = spec.datasets[0].table
    if not (days := Table(spec.name, table).days()):
        raise SourceError(
            expected=f"landed days of '{table}'",
            seen="none",
            where=f"study of {spec.name}",
            next_step=f"run {spec.name}_ingest first",
        )
    return days


def on_drift(spec: UseCase, material: Material, plan: Plan) -> Trigger:
    """Return the trigger that is the monitor's own: so many of the newest windows since the fit have drifted."""
    references: dict[int, ReferenceProfile] = {}

    def due(now: InUse) -> bool:
        since = plan.windows[now.fitted]
        if now.fitted not in references:
            references[now.fitted] = material.reference(since)
        windows = newest_windows(spec, references[now.fitted], material.dated, plan.windows[now.window].last)
        # What lies before the fit was learned from, and is no news to it.
        drifted = [each for each in windows if each.first_day >= since.first and each.drift.alarm]
        return len(drifted) >= spec.monitoring.confirm[0]

    return due
