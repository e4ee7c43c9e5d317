"""Fit a registered forecaster again from its record, and say whether it forecasts the same to the last digit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pandas as pd

from include.catalog import resolve
from include.data.tables import Table
from include.forecast import Forecast
from include.forecast_ops.training import ANSWERS, answers, fitted, known_to
from include.models import keyed, registry, tracking
from include.models.reproduce import Reproduction
from include.naming import model_name


def reproduce(spec: Forecast, key: str, version: int) -> Reproduction:
    """Fit a series' version again from the same tables' versions and seed, and compare what it forecasts.

    Raises:
        ArtifactError: the registry has no such version.
        MissingMetricError: its run has no record of the training.
    """
    ref = registry.model_ref(model_name(spec.name, key), version)
    evaluation = registry.forecast_of(ref)
    training = keyed.record_of(tracking.parent_of(ref.run_id))
    told = tracking.load_json(ref.run_id, ANSWERS)
    known = known_to(spec, training)
    forecaster = fitted(spec, known, resolve(spec.calendar)(), key, evaluation.family)
    again = answers(known, forecaster, pd.Timestamp(told["closure"]))
    registered, rebuilt = _digest(told["kw"]), _digest(again)
    gone = [each for table, number in training.versions.items() for each in Table(spec.name, table).erasures(number)]
    return Reproduction.compared(training, registered, rebuilt, rows=len(again), erased=gone)


def _digest(kw: Sequence[float]) -> str:
    return hashlib.sha256(",".join(map(repr, kw)).encode()).hexdigest()
