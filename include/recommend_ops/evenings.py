"""An evening's lists against what was bought the day after, and what a champion and its predecessor showed by them.

Both rank for the same households on the same evening, so every version that has served has its line in the evaluation
store, with no service running.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import scipy.sparse as sp

from include.data.sources import DAY
from include.deployment.entries import KeyState
from include.models import evaluations
from include.models.evaluations import EvaluationSource, WindowEvaluation
from include.recommend_ops.shown import CHAMPION, PREVIOUS
from include.recommendation import Recommendation
from include.recommending.events import HOUSEHOLD, PRODUCT
from include.recommending.metrics import Values, mean, ndcg
from include.records import ModelRef

TASK = "rebuy"  # what is bought of a list on one day is rarely new to a household
_METRIC = f"{TASK}_ndcg"
_NEXT = dt.timedelta(days=1)  # the lists of an evening are for the day after


def of_versions(lists: pd.DataFrame, now: KeyState) -> pd.DataFrame:
    """Return the lists as the champion and its predecessor of this moment ranked them, by no hand changed."""
    refs = {CHAMPION: now.champion, PREVIOUS: now.previous}
    wanted = {(variant, ref.version) for variant, ref in refs.items() if ref is not None}
    return lists.loc[[pair in wanted for pair in zip(lists["variant"], lists["model_version"], strict=True)]]


def keep_showing(spec: Recommendation, market: str, now: KeyState, lists: pd.DataFrame, bought: pd.DataFrame) -> None:
    """Record what the champion and its predecessor showed, each on its own evenings, where enough households bought.

    Args:
        spec: The use case.
        market: The market.
        now: Its state in the journal.
        lists: The market's lists for repeated purchases.
        bought: Household, product and day of each purchase.

    Raises:
        TransientError: MLflow is away.
    """
    if spec.primary_metric != _METRIC:
        return
    mine = of_versions(lists, now)
    sources: tuple[tuple[str, ModelRef | None, EvaluationSource], ...] = (
        (CHAMPION, now.champion, "online"),
        (PREVIOUS, now.previous, "replay"),
    )
    for variant, ref, source in sources:
        households, evenings, found = paired(mine, bought, (variant,))
        if ref is None or len(set(households)) < spec.regression.min_households:
            continue
        by_household = pd.Series(found[variant]).groupby(households).mean()
        shown = mean(by_household.to_numpy(), seed=spec.seed, confidence=spec.gates.confidence)
        evaluation = WindowEvaluation(
            source=source, first_day=min(evenings) + _NEXT, last_day=max(evenings) + _NEXT, rows=len(by_household),
            metrics={_METRIC: shown},
        )  # fmt: skip
        evaluations.record(spec, market, ref, evaluation)


def paired(
    lists: pd.DataFrame, bought: pd.DataFrame, variants: tuple[str, ...]
) -> tuple[list[int], list[dt.date], dict[str, Values]]:
    """Return households and evenings with a list of each variant and a purchase the day after, and their NDCG."""
    evenings = {name: set(zip(rows["household"], rows[DAY], strict=True)) for name, rows in lists.groupby("variant")}
    shopped = set(zip(bought[HOUSEHOLD], bought[DAY] - pd.Timedelta(days=1), strict=True))
    cases = sorted(set.intersection(shopped, *(evenings.get(name, set()) for name in variants)))
    households, days = [case[0] for case in cases], [case[1] for case in cases]
    if not cases:
        return [], [], {name: np.empty(0) for name in variants}
    place = {case: row for row, case in enumerate(cases)}
    items = {item: column for column, item in enumerate(sorted({*lists["product"], *bought[PRODUCT]}))}
    truth = _truth(bought, place, items)
    return (
        households,
        days,
        {name: ndcg(_tops(lists.loc[lists["variant"] == name], place, items), truth) for name in variants},
    )


def _truth(bought: pd.DataFrame, place: dict[tuple[int, dt.date], int], items: dict[int, int]) -> sp.csr_array:
    keys = zip(bought[HOUSEHOLD], bought[DAY] - pd.Timedelta(days=1), bought[PRODUCT], strict=True)
    cells = [(place[(who, day)], items[what]) for who, day, what in keys if (who, day) in place]
    rows, columns = np.array(cells).T
    return sp.coo_array(
        (np.ones(len(cells), dtype=np.float32), (rows, columns)), shape=(len(place), len(items))
    ).tocsr()


def _tops(lists: pd.DataFrame, place: dict[tuple[int, dt.date], int], items: dict[int, int]) -> np.ndarray:
    tops = np.full((len(place), int(lists["rank"].max())), -1, dtype=np.int32)
    for row in lists[["household", DAY, "rank", "product"]].itertuples(index=False):
        where = place.get((row.household, row.day))
        if where is not None:
            tops[where, row.rank - 1] = items[row.product]
    return tops
