"""Judge scores by what was bought after the day they were made on, one task at a time.

``rebuy`` counts all that a household bought, again or for the first time. ``discover`` counts what it had never bought
before, and nothing else can be recommended. Only households with a history and a relevant item are judged.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from include.recommending import metrics
from include.recommending.blend import Task
from include.recommending.events import HOUSEHOLD, PRODUCT, TIME
from include.recommending.interactions import Array, Interactions, Places
from include.records import Estimate

K = 10


@dataclass(frozen=True, eq=False)
class Judged:
    """What one model recommends, and how good it was for each user; NaN where there was nothing to find."""

    task: Task
    top: Places
    recall: metrics.Values
    ndcg: metrics.Values


def outcome(events: pd.DataFrame, x: Interactions, *, days: int) -> sp.csr_array:
    """Return ones where a user bought an item in the ``days`` days from the interactions' day on; (users, items)."""
    start = pd.Timestamp(x.day, tz="UTC")
    later = events[(events[TIME] >= start) & (events[TIME] < start + dt.timedelta(days=days))]
    later = later[later[HOUSEHOLD].isin(x.users) & later[PRODUCT].isin(x.items)]
    places = pd.DataFrame(
        {
            "row": np.searchsorted(x.users, later[HOUSEHOLD].to_numpy()),
            "column": np.searchsorted(x.items, later[PRODUCT].to_numpy()),
        }
    ).drop_duplicates()
    ones = np.ones(len(places), dtype=np.float32)
    return sp.csr_array((ones, (places["row"], places["column"])), shape=x.shape)


def relevant(x: Interactions, bought: sp.csr_array, task: Task) -> sp.csr_array:
    """Return which of the items bought later count for a task; none of users without a history."""
    history = np.diff(x.visits.indptr) > 0
    counted = sp.csr_array(sp.diags_array(history.astype(np.float32)) @ bought)
    if task == "discover":
        counted = sp.csr_array(counted - counted.multiply(x.bought))
    counted.eliminate_zeros()
    return counted


def judge(scores: Array, x: Interactions, bought: sp.csr_array, task: Task, *, k: int = K) -> Judged:
    """Return how well scores rank what was bought later."""
    truth = relevant(x, bought, task)
    top = metrics.ranked(scores, k, hidden=x.bought if task == "discover" else None)
    return Judged(task, top, metrics.recall(top, truth), metrics.ndcg(top, truth))


def summary(judged: Judged, x: Interactions, bought: sp.csr_array, *, seed: int) -> dict[str, Estimate]:
    """Return the metrics of a model, each with an interval; of coverage and bias the number alone, low to high.

    Returns:
        ``recall@k``, ``ndcg@k``, ``novelty`` (bits), ``coverage`` (share of items) and ``popularity_bias`` (1 is none).
    """
    households = np.asarray(x.bought.sum(axis=0))
    k = judged.top.shape[1]
    counted = np.isfinite(judged.ndcg)
    novelty = np.where(counted, metrics.novelty(judged.top, households, len(x.users)), np.nan)
    truth = relevant(x, bought, judged.task)
    return {
        f"recall@{k}": metrics.mean(judged.recall, seed=seed),
        f"ndcg@{k}": metrics.mean(judged.ndcg, seed=seed),
        "novelty": metrics.mean(novelty, seed=seed),
        "coverage": _alone(metrics.coverage(judged.top[counted], len(x.items))),
        "popularity_bias": _alone(metrics.popularity_bias(judged.top, households, truth)),
    }


def _alone(value: float) -> Estimate:
    return Estimate(value=value, low=value, high=value)
