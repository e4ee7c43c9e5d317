"""What came into a grid or a shop: the newest windows of its readings or lines, and why they differ if they do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.clock import business_time
from include.deployment.journal import Journal
from include.errors import MissingMetricError, PermanentError
from include.forecast import Forecast
from include.forecast_ops.history import history
from include.models import tracking
from include.monitor_ops.operations import Operations, operations
from include.monitor_ops.reference import PROFILE, Dated, watched_hours, watched_lines
from include.monitor_ops.response import released_on
from include.monitor_ops.windows import Window, drift_facts, newest_day, newest_windows
from include.monitoring.causes import diagnose
from include.monitoring.diagnosis import Diagnosis
from include.monitoring.evidence import DriftFacts, Performance
from include.monitoring.profile import ReferenceProfile
from include.recommend_ops.kept import kept, promise
from include.recommend_ops.purchases import purchases
from include.recommendation import Recommendation
from include.spec import DatasetUseCase

_LOAD = "load "


@dataclass(frozen=True)
class Inputs:
    """The newest windows of what came.

    Args:
        profile: What they were compared with.
        windows: Oldest first.
        operations: Volume, quarantine and service of the newest one.
        diagnosis: Why the newest one differs.
        drift: Which of them drifted.
        truth: What a shop's lists bring beside the weeks before; none of a grid, whose watch judges each series.
    """

    profile: ReferenceProfile
    windows: Sequence[Window]
    operations: Operations
    diagnosis: Diagnosis
    drift: DriftFacts
    truth: Performance | None


def inputs(spec: DatasetUseCase, as_of: dt.date) -> Inputs | None:
    """Judge what came up to a day that has ended; none where there is no champion with a reference yet.

    Raises:
        TransientError: a service is away.
    """
    now = Journal(spec.name).state()
    champion = next((ref for key in spec.keys if (ref := now.of(key).decides) is not None), None)
    if champion is None:
        return None
    try:
        profile = tracking.load_record(tracking.parent_of(champion.run_id), PROFILE, ReferenceProfile)
    except MissingMetricError:
        return None  # trained before references were kept: the next training keeps one, and must not wait for it
    limits = spec.monitoring
    first_day = as_of - dt.timedelta(days=limits.confirm[1] * limits.window_days - 1)
    if (released := released_on(spec, spec.keys[0])) is not None:
        first_day = max(first_day, released)
    last_day = newest_day(spec, as_of)
    windows = newest_windows(spec, profile, _rows(spec, first_day, as_of), last_day)
    service = operations(spec, windows[-1].first_day, last_day)
    given = known_of(spec)
    truth = _truth(spec, as_of)
    promises = [promise(truth, spec.policy.margin)] if truth else []
    newest = windows[-1]
    found = diagnose(profile, newest.seen, newest.drift, delivery=service.delivery, promises=promises, **given)
    return Inputs(profile, windows, service, found, drift_facts(spec, profile, windows, **given), truth)


def known_of(spec: DatasetUseCase) -> dict[str, Any]:
    """Return what a diagnosis may take for granted of a kind of use case."""
    # A zone may have another level for good, and a shop another assortment: neither is a fault by itself.
    known: dict[str, Any] = {"free_levels": True}
    if isinstance(spec, Forecast):
        known |= {"parts": [f"{_LOAD}{name}" for name in spec.series], "whole": f"{_LOAD}{spec.total}"}
    return known


def refuse_wrong(spec: DatasetUseCase, as_of: dt.date) -> None:
    """Let nothing be learned from wrong data.

    Raises:
        PermanentError: the newest window bears the sign of a fault; names the columns.
    """
    seen = inputs(spec, as_of)
    if seen is not None and seen.diagnosis.fault:
        newest = seen.windows[-1]
        raise PermanentError(
            expected=f"right data from {newest.first_day} to {newest.last_day}",
            seen=seen.diagnosis.said,
            where=f"training of {spec.name} as of {as_of}",
            next_step=f"{seen.diagnosis.advice}. Models and lists stay as they are. Where the data is right after all, "
            f"switch {spec.name} off and on again, and say so",
        )


def keys_of(spec: DatasetUseCase, diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the models that a diagnosis is about: the series that it names and their total, or all of a shop's."""
    if not isinstance(spec, Forecast):
        return spec.keys
    named = {name.removeprefix(_LOAD) for name in diagnosis.columns if name.startswith(_LOAD)} & set(spec.keys)
    return tuple(key for key in spec.keys if key in named | {spec.total}) if named else ()


def _truth(spec: DatasetUseCase, as_of: dt.date) -> Performance | None:
    if not isinstance(spec, Recommendation):
        return None
    return kept(spec, as_of - dt.timedelta(days=1))  # what is bought today is judged beside this, by the watch


def _rows(spec: DatasetUseCase, first_day: dt.date, as_of: dt.date) -> Dated:
    if isinstance(spec, Forecast):
        return watched_hours(history(spec, known_at=business_time(as_of), first_day=first_day).panel)
    assert isinstance(spec, Recommendation)  # noqa: S101 - there is no third kind
    return watched_lines(purchases(spec, as_of=as_of, first_day=first_day))
