"""The recorded purchases as the recommender's benchmarks use them: the reference's split, and more of the same.

The split and its rules are those of the reference numbers: quantity above 0, products that 75 households bought over
the whole year, households with ten of them, known until the end of October, truth in November and December. The choice
of products looks ahead, as the reference's did; nothing that is learned does.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from include.data import journey
from include.recommending.evaluation import outcome
from include.recommending.events import BASKET, HOUSEHOLD, PRODUCT, QUANTITY, TIME
from include.recommending.interactions import Interactions, interactions
from include.recommending.preparation import ColdStart, Warm, warm

DAY, DAYS = dt.date(2017, 11, 1), 62
RULES = ColdStart(fewest_items=10, fewest_households=75)
_SWAPPED = 0.3


@dataclass(frozen=True, eq=False)
class Reference:
    """Events, who takes part, what was known on the day, and what was then bought."""

    events: pd.DataFrame
    products: pd.DataFrame
    known: Warm
    x: Interactions
    bought: sp.csr_array


def reference() -> Reference:
    """Return the reference's split."""
    lines, products = journey.events(), journey.products()
    events = lines[lines[QUANTITY] > 0]
    known = warm(events, RULES)
    x = interactions(events, products, DAY, known)
    return Reference(events, products, known, x, outcome(events, x, days=DAYS))


def multiplied(lines: pd.DataFrame, products: pd.DataFrame, times: int, *, seed: int = 0) -> pd.DataFrame:
    """Return lines of ``times`` as many households: the recorded ones, and made ones that live like them.

    A made household goes shopping when its model does, up to two days apart; three of ten of its lines hold another
    product of the same type instead.
    """
    generator = np.random.default_rng(seed)
    kinds = lines[PRODUCT].map(products.set_index(PRODUCT)["type"]).fillna("").to_numpy()
    order = np.argsort(kinds, kind="stable")
    codes = pd.factorize(kinds[order])[0]
    starts = np.searchsorted(codes, np.arange(codes[-1] + 1))
    ends = np.searchsorted(codes, np.arange(codes[-1] + 1), side="right")
    code = np.empty(len(lines), dtype=int)
    code[order] = codes
    shift = int(lines[HOUSEHOLD].max()) + 1, int(lines[BASKET].max()) + 1
    found = [lines]
    for copy in range(1, times):
        like = order[(starts[code] + generator.uniform(size=len(lines)) * (ends - starts)[code]).astype(int)]
        swapped = generator.uniform(size=len(lines)) < _SWAPPED
        product = np.where(swapped, lines[PRODUCT].to_numpy()[like], lines[PRODUCT].to_numpy())
        apart = pd.to_timedelta(generator.integers(0, 48, int(lines[HOUSEHOLD].max()) + 1), unit="h")
        made = lines.assign(
            **{
                HOUSEHOLD: lines[HOUSEHOLD] + copy * shift[0],
                BASKET: lines[BASKET] + copy * shift[1],
                PRODUCT: product,
                TIME: lines[TIME] - apart[lines[HOUSEHOLD].to_numpy()],
            }
        )
        found.append(made.drop_duplicates([BASKET, PRODUCT]))
    return pd.concat(found, ignore_index=True)
