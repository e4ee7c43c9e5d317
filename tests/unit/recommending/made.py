"""A small shop whose households have tastes: each buys mostly from its own aisles, some things again and again."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

FIRST, DAY, LAST = dt.date(2020, 1, 1), dt.date(2020, 6, 1), dt.date(2020, 7, 30)
HOUSEHOLDS, PRODUCTS, AISLES = 120, 60, 6


def products() -> pd.DataFrame:
    number = np.arange(PRODUCTS)
    return pd.DataFrame(
        {
            "product": 1000 + number,
            "department": np.where(number % AISLES < 3, "FRESH", "DRY"),
            "type": [f"TYPE {each % AISLES}" for each in number],
            "manufacturer": number % 4,
        }
    )


def lines(*, households: int = HOUSEHOLDS, seed: int = 0) -> pd.DataFrame:
    """Return lines of baskets; a household's aisles have the number of its id, and the next one."""
    generator = np.random.default_rng(seed)
    days = (LAST - FIRST).days
    found = []
    for household in range(households):
        own = [each for each in range(PRODUCTS) if (each - household) % AISLES < 2]
        staples = generator.choice(own, 4, replace=False)
        for visit in np.sort(generator.choice(days, generator.integers(12, 30), replace=False)):
            again = staples[generator.uniform(size=4) < 0.5]
            others = generator.choice(own, 3, replace=False)
            strays = generator.choice(PRODUCTS, 1)
            time = pd.Timestamp(FIRST, tz="UTC") + pd.Timedelta(days=int(visit), hours=int(generator.integers(8, 20)))
            for product in sorted({*again, *others, *strays}):
                found.append((household + 1, len(found), 300 + household % 7, 1000 + int(product), time, 1, 1.5, visit))
    rows = pd.DataFrame(
        found, columns=["household", "basket", "store", "product", "time", "quantity", "sales", "visit"]
    )
    rows["basket"] = rows.groupby(["household", "visit"], sort=True).ngroup() + 1
    return rows.drop(columns="visit").sort_values(["time", "basket", "product"], ignore_index=True)
