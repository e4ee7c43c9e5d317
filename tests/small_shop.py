"""A small shop that a test can spoil: two markets whose households buy the same again, and like what others do."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING

from include.recommendation import Campaign
from include.spec import Source
from include.use_cases.recommender import SPEC as RECOMMENDER

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

START = dt.date(2017, 3, 1)
HOUSEHOLDS, PRODUCTS, KINDS = 240, 80, 8
SPOILT: dict[dt.date, Callable[[pd.DataFrame], pd.DataFrame]] = {}  # what a test does to a day's purchases

SPEC = RECOMMENDER.model_copy(
    update={
        "name": "small_shop",
        "title": "Small shop",
        "source": Source(
            fetch="tests.small_shop:fetch", description="made", history_days=50, recorded_from=dt.date(2017, 4, 20)
        ),
        "markets": ("north", "south"),
        "store_bounds": (1,),
        "items": "tests.small_shop:products",
        "households": "tests.small_shop:households",
        "campaigns": "tests.small_shop:campaigns",
        "families": ("popularity", "frequency", "item_knn", "ease"),
        "fewest_households": 5,
        "min_history_days": 20,
        "gates": RECOMMENDER.gates.model_copy(update={"min_subgroup": 20}),
        "regression": RECOMMENDER.regression.model_copy(update={"min_households": 20}),
        "datasets": tuple(
            each.model_copy(update={"contract": each.contract.model_copy(update={"min_rows": 20})})
            for each in RECOMMENDER.datasets
        ),
    }
)


@cache
def _tastes():
    """Return for each household what it buys how often, shape (households, products)."""
    import numpy as np

    lots = np.random.default_rng(7)
    kind = np.arange(PRODUCTS) % KINDS
    likes = lots.dirichlet(np.full(KINDS, 0.3), HOUSEHOLDS)[:, kind]
    own = lots.random((HOUSEHOLDS, PRODUCTS)) < 0.25
    popular = np.linspace(1.5, 0.5, PRODUCTS)
    rate = likes * popular * np.where(own, 0.5, 0.05)
    return rate / rate.sum(axis=1, keepdims=True)


def fetch(spec, day: dt.date) -> dict[str, pd.DataFrame]:
    """Return the purchases of a day: a third of the households shop, six products each."""
    import numpy as np
    import pandas as pd

    from include.clock import business_time
    from include.data.sources import AVAILABLE_AT

    lots = np.random.default_rng([3, day.toordinal()])
    shoppers = np.flatnonzero(lots.random(HOUSEHOLDS) < 0.4)
    lines = []
    for household in shoppers.tolist():
        bought = lots.choice(PRODUCTS, 6, replace=False, p=_tastes()[household])
        basket = day.toordinal() * 1000 + household
        moment = pd.Timestamp(day, tz="UTC") + pd.Timedelta(minutes=480 + household)
        lines += [(household + 1, basket, 1000 + product, 1 + household % 2, moment, 1, 2.5) for product in bought]
    columns = ["household", "basket", "product", "store", "time", "quantity", "sales"]
    frame = pd.DataFrame(lines, columns=columns).astype({"time": "datetime64[us, UTC]", "product": "int64"})
    frame = SPOILT.get(day, lambda rows: rows)(frame)
    return {"purchases": frame.assign(**{AVAILABLE_AT: pd.Timestamp(business_time(day))})}


def products() -> pd.DataFrame:
    """Return the facts of the products."""
    import pandas as pd

    numbers = range(PRODUCTS)
    return pd.DataFrame(
        {
            "product": [1000 + number for number in numbers],
            "department": "GROCERY",
            "category": [f"CATEGORY {number % KINDS}" for number in numbers],
            "type": [f"KIND {number % KINDS}" for number in numbers],
            "brand": "National",
            "manufacturer": 1,
            "size": "1 LB",
        }
    )


def households() -> pd.DataFrame:
    """Return what is known of half of the households."""
    import pandas as pd

    numbers = range(1, HOUSEHOLDS + 1, 2)
    bands = ["19-24", "25-34"]
    return pd.DataFrame(
        {"household": list(numbers), "age": [bands[number % 4 // 2] for number in numbers], "income": "50-74K"}
    )


def campaigns(day: dt.date) -> list[Campaign]:
    """Return the one campaign that always runs."""
    return [
        Campaign(
            campaign=1,
            last_day=day + dt.timedelta(days=7),
            households=frozenset(range(1, 60)),
            products=frozenset(range(1000, 1020)),
        )
    ]
