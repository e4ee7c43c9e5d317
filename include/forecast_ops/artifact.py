"""The packed forecaster of one series: a model for each day ahead, and what it looks at, checked by its digest."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from include.forecast import Forecast
from include.forecast_ops.history import History
from include.forecasting.calendar import Calendar
from include.forecasting.panel import Array
from include.forecasting.samples import View, observe
from include.forecasting.windows import Horizon
from include.models import artifact, registry
from include.naming import model_name
from include.records import ModelRef

_MODEL = "model.skops"


@dataclass(frozen=True)
class PackedForecaster:
    """A registered forecaster of one series.

    Args:
        ref: Its version; none for a simple one that answers as a fall-back.
        key: The series.
        family: Its family.
        views: What it looks at, by lead in hours.
        models: The fitted forecasters, by lead in hours.
    """

    ref: ModelRef | None
    key: str
    family: str
    views: Mapping[int, View]
    models: Mapping[int, Any]

    def predict(self, known: History, days: pd.DatetimeIndex, lead: int) -> Array:
        """Return kW for days that lie so many hours behind their origins, shape (n, 24)."""
        view = self.views[lead]
        target = known.temperature(days, view.horizon) if view.horizon.temperature else None
        sample = observe(known.panel, days, view, names=[self.key], target=target)[self.key]
        found: Array = self.models[lead].predict(sample)
        return found

    def issue(self, known: History, closure: pd.Timestamp) -> Array:
        """Return the whole horizon's kW as forecast at one gate closure, shape (days · 24,)."""
        parts = []
        for lead in self.views:
            day = pd.DatetimeIndex([closure + pd.Timedelta(hours=lead)])
            parts.append(self.predict(known, day, lead)[0])
        return np.concatenate(parts)


def pack(spec: Forecast, forecaster: PackedForecaster, *, run_id: str, as_of: dt.date, pipeline_run: str) -> ModelRef:
    """Log a forecaster under a run and register it; a repeated call returns the version that is there."""
    content = {
        "key": forecaster.key,
        "family": forecaster.family,
        "views": {str(lead): json.dumps(_view(view)) for lead, view in forecaster.views.items()},
        "models": {str(lead): model for lead, model in forecaster.models.items()},
    }
    return registry.register_files(
        model_name(spec.name, forecaster.key), flavor="flightdeck_forecaster",
        facts={"data": _MODEL, "skops_version": skops.__version__}, signature=_signature(),
        write=lambda folder: skops.io.dump(content, folder / _MODEL), run_id=run_id, as_of=as_of,
        pipeline_run=pipeline_run,
    )  # fmt: skip


def load(ref: ModelRef) -> PackedForecaster:
    """Return a registered forecaster.

    Raises:
        ArtifactError: the files are not those that were registered, or hold a type that is not trusted.
    """
    content = artifact.load_object(ref)
    views = {int(lead): _viewed(json.loads(text)) for lead, text in content["views"].items()}
    models = {int(lead): model for lead, model in content["models"].items()}
    return PackedForecaster(ref, content["key"], content["family"], views, models)


def _signature() -> ModelSignature:
    """Return the columns of what goes in, as readings, and of what comes out."""
    inputs = [ColSpec("string", "series"), ColSpec("datetime", "time"), ColSpec("double", "value")]
    outputs = [ColSpec("datetime", "time"), ColSpec("double", "load_kw")]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _view(view: View) -> dict[str, Any]:
    kinds = {kind: sorted(day.isoformat() for day in days) for kind, days in view.calendar.kinds.items()}
    return {
        "lead": view.horizon.lead,
        "temperature": view.horizon.temperature,
        "others": list(view.others),
        "stations": {name: list(columns) for name, columns in view.stations.items()},
        "calendar": {"kinds": kinds, "clock": view.calendar.clock},
    }


def _viewed(said: dict[str, Any]) -> View:
    kinds = {
        kind: frozenset(dt.date.fromisoformat(day) for day in days) for kind, days in said["calendar"]["kinds"].items()
    }
    calendar = Calendar(kinds, said["calendar"]["clock"])
    stations = {name: tuple(columns) for name, columns in said["stations"].items()}
    return View(Horizon(said["lead"], said["temperature"]), calendar, tuple(said["others"]), stations)
