"""The purchases that a step sees: as they were known on a day, cleaned, each household in its market."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from include.catalog import resolve
from include.clock import business_time
from include.data.landing import newest_known
from include.data.sources import DAY
from include.data.tables import Table
from include.errors import SourceError
from include.recommendation import Recommendation
from include.recommending.events import COLUMNS, HOUSEHOLD, TIME, Cleaned, clean
from include.recommending.preparation import markets


@dataclass(frozen=True)
class Purchases:
    """Clean events up to a day.

    Args:
        cleaned: Events in the order of time, and what was left out by which rule.
        products: Facts of the products.
        market: Market of each household, by household.
    """

    cleaned: Cleaned
    products: pd.DataFrame
    market: pd.Series

    def of(self, market: str) -> pd.DataFrame:
        """Return the events of a market's households."""
        mine = self.market.index[self.market == market]
        return self.cleaned.events.loc[self.cleaned.events[HOUSEHOLD].isin(mine)]


def purchases(
    spec: Recommendation, *, as_of: dt.date, first_day: dt.date | None = None, version: int | None = None
) -> Purchases:
    """Return the purchases that were known at the end of a day.

    Args:
        spec: The use case.
        as_of: Last day.
        first_day: First day; none for all.
        version: Version of the table; none for the newest.

    Raises:
        SourceError: nothing has landed up to the day.
        TransientError: the store is away.
    """
    dataset = spec.datasets[0]
    rows = Table(spec.name, dataset.table).read(first_day=first_day, last_day=as_of, version=version)
    if rows.empty:
        raise SourceError(
            expected=f"purchases up to {as_of}",
            seen="none",
            where=f"table {spec.name}/{dataset.table}",
            next_step=f"land days with {spec.name}_ingest first",
        )
    known = newest_known(rows, dataset.contract.keys, business_time(as_of))
    products = resolve(spec.items)()
    lines = known[[*COLUMNS, DAY]].sort_values(TIME, kind="stable", ignore_index=True)
    cleaned = clean(lines, products)
    return Purchases(cleaned, products, markets(cleaned.events, spec.store_bounds, spec.markets))
