"""What the windows of each kind of use case are made of, in the reference as later: columns, and which rows depend."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.classification import Classification
from include.forecasting.panel import Panel
from include.models import tracking
from include.monitoring.drift import SCORE
from include.monitoring.profile import ReferenceProfile, build
from include.recommend_ops.purchases import Purchases
from include.recommending.events import DEPARTMENT, HOUSEHOLD, PRODUCT, QUANTITY, SALES, TIME
from include.spec import UseCase

PROFILE, RELIABILITY = "reference.json", "reliability.json"  # in the run of the training that they tell of
MARKET = "market"


@dataclass(frozen=True)
class Dated:
    """Rows whose days matter, for those of one day depend on each other.

    Args:
        rows: What is compared, shape (rows, columns).
        days: Day of each row.
    """

    rows: pd.DataFrame
    days: pd.Series

    def between(self, first: dt.date, last: dt.date) -> pd.DataFrame:
        """Return the rows of some days."""
        return self.rows.loc[((self.days >= first) & (self.days <= last)).to_numpy()]

    def reference(self, spec: UseCase) -> ReferenceProfile:
        """Return the profile of all rows."""
        return build(self.rows, groups=spec.monitoring.groups, days=self.days, dependent=True, seed=spec.seed)


def watched(spec: Classification, rows: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """Return the columns of a classifier's window; protected ones are left out, for the model does not see them.

    Args:
        spec: The use case.
        rows: Raw rows.
        scores: The model's scores of them, shape (rows,).
    """
    return rows[spec.model_columns].assign(**{SCORE: np.asarray(scores, dtype=float)})


def reference_of(spec: Classification, rows: pd.DataFrame, scores: np.ndarray) -> ReferenceProfile:
    """Return the profile of the fresh rows that a model was judged on; arguments as of ``watched``."""
    named = [column.name for column in spec.contract.columns if column.categorical]
    return build(
        watched(spec, rows, scores),
        categorical=named,
        groups=spec.monitoring.groups,
        days=rows.get("day"),
        seed=spec.seed,
    )


def watched_hours(panel: Panel) -> Dated:
    """Return the hours of a grid: load of each series and temperature of each station, side by side."""
    loads = {f"load {name}": panel.load[:, place] for place, name in enumerate(panel.names)}
    heat = {f"temperature {place}": station for place, station in enumerate(panel.temperature.T, start=1)}
    return Dated(pd.DataFrame({**loads, **heat}), pd.Series(panel.times.date))


def watched_lines(seen: Purchases) -> Dated:
    """Return the lines of a shop's baskets: what was bought, how much of it, for how much, when, in which market."""
    events = seen.cleaned.events
    department = events[PRODUCT].map(seen.products.set_index(PRODUCT)[DEPARTMENT])
    rows = pd.DataFrame(
        {
            DEPARTMENT: department.astype("str"),
            QUANTITY: events[QUANTITY].astype(float),
            SALES: events[SALES],
            TIME: events[TIME],
            MARKET: events[HOUSEHOLD].map(seen.market).astype("str"),
        }
    )
    return Dated(rows, events[TIME].dt.date)


def keep_reference(spec: UseCase, run_id: str, dated: Dated) -> None:
    """Store with the run of a training what later windows are compared with."""
    tracking.log_record(run_id, PROFILE, dated.reference(spec))
