"""The retraining study of a classifier: weeks whose truth is known, a model of the champion's family before each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.classification import Classification
from include.data import snapshots
from include.data.sources import DAY
from include.deployment.journal import Journal
from include.models import registry
from include.models.fitting import Calibrated, fit_calibrated
from include.models.metrics import HIGHER_IS_BETTER, all_metrics, best_threshold
from include.monitor_ops.reference import Dated
from include.monitor_ops.study_material import ONE, Plan, Span
from include.monitoring.cadence import Metric, Quality
from include.monitoring.profile import ReferenceProfile, build
from include.naming import DEFAULT_KEY

WINDOW_DAYS, MOST_WINDOWS = 7, 52
_FEWEST_DAYS = 7  # of known truth, for the first model


@dataclass(frozen=True)
class Decider:
    """A calibrated model with the score from which it declines."""

    model: Calibrated
    threshold: float


class CreditMaterial:
    """Rows with their truth, and models that learn from what was known of it before a window.

    Args:
        spec: The use case.
        plan: What is replayed.
    """

    margin_is_share = False

    def __init__(self, spec: Classification, plan: Plan) -> None:
        self._spec, self._family = spec, plan.family
        chosen = next(each for each in spec.candidates if each.name == plan.family)
        self._params = {name: values[0] for name, values in chosen.search.items()}
        self._rows = _rows(spec, plan.windows[-1].last)
        rising = HIGHER_IS_BETTER[spec.primary_metric]
        self.metrics = (
            Metric(name=spec.primary_metric, unit=spec.primary_metric.upper(), higher_is_better=rising),
            Metric(name="cost", unit=f"{spec.costs.unit} a decision", higher_is_better=False),
        )
        self.about = (
            f"Family {plan.family} with its first configuration, calibrated, learns from all rows whose truth was "
            f"known, {spec.label_delay_days} days late. Nothing is searched, and no other family is fitted; a real "
            "training costs several times as much."
        )
        self.dated = Dated(self._rows[spec.model_columns], self._rows[DAY])

    def fit(self, window: Span) -> Decider:
        """Return the model of a window, and the threshold that cost least on its own out-of-fold scores."""
        known = self._rows.loc[self._rows[DAY] <= self._spec.matured_until(window.first - ONE)]
        model, scores = fit_calibrated(self._spec, self._family, self._params, known, self._spec.seed)
        return Decider(model, best_threshold(_truth(self._spec, known), scores, self._spec.costs))

    def quality(self, model: Decider, window: Span) -> Quality:
        """Return the primary metric, and the cost of a decision without review."""
        rows = self._rows.loc[self._rows[DAY].between(window.first, window.last)]
        y = _truth(self._spec, rows)
        if len(set(y)) < 2:
            return {each.name: float("nan") for each in self.metrics}
        scores = model.model.predict(rows[self._spec.model_columns])
        named, ones = all_metrics(self._spec.costs, model.threshold), np.ones((1, len(rows)))
        return {each.name: float(named[each.name](y, scores, ones)[0]) for each in self.metrics}

    def reference(self, window: Span) -> ReferenceProfile:
        """Return the profile of the rows before a window, without scores."""
        before = self.dated.between(self._rows[DAY].iloc[0], window.first - ONE)
        named = [column.name for column in self._spec.contract.columns if column.categorical]
        return build(before, categorical=named, seed=self._spec.seed)


def material(spec: Classification, plan: Plan) -> CreditMaterial:
    """Return the history of a plan."""
    return CreditMaterial(spec, plan)


def reach(spec: Classification) -> Span:
    """Return the days for which a model can be fitted and judged, of all that have landed."""
    snapshot = snapshots.take(spec, as_of=dt.date.max)
    first = snapshot.first_day + dt.timedelta(days=spec.label_delay_days + _FEWEST_DAYS)
    return Span(first=first, last=snapshot.last_day)


def family(spec: Classification) -> str:
    """Return the champion's family, or the last of the spec's where there is none."""
    champion = Journal(spec.name).state().of(DEFAULT_KEY).champion
    return registry.classification_of(champion).family if champion else spec.candidates[-1].name


def _rows(spec: Classification, last: dt.date) -> pd.DataFrame:
    rows = snapshots.read(spec, snapshots.take(spec, as_of=dt.date.max))
    return rows.loc[rows[DAY] <= last]


def _truth(spec: Classification, rows: pd.DataFrame) -> np.ndarray:
    return rows[spec.contract.target].to_numpy(dtype=float)
