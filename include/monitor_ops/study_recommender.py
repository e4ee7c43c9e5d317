"""The retraining study of a recommender: days of a shop, each household's list made by models fitted before each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.deployment.journal import Journal
from include.models import registry
from include.monitor_ops.reference import Dated, watched_lines
from include.monitor_ops.study_material import ONE, Plan, Span, landed_days
from include.monitoring.cadence import Metric, Quality
from include.monitoring.profile import ReferenceProfile
from include.recommend_ops.experiment import known_as_of, lists_of
from include.recommend_ops.purchases import purchases
from include.recommendation import Recommendation, Task
from include.recommending.events import HOUSEHOLD, PRODUCT, TIME
from include.recommending.interactions import Interactions

WINDOW_DAYS, MOST_WINDOWS = 1, 64
_TASK: Task = "rebuy"


@dataclass(frozen=True)
class Shown:
    """What the models of all markets show.

    Args:
        lists: By household, best first.
        popular: By market, for households that no model knows.
    """

    lists: dict[str, list[str]]
    popular: dict[str, list[str]]


class ShopMaterial:
    """A shop's purchases, and lists that were made of what was known before a window.

    Args:
        spec: The use case.
        plan: What is replayed.
    """

    margin_is_share = False

    def __init__(self, spec: Recommendation, plan: Plan) -> None:
        self._spec, self._family = spec, plan.family
        self._seen = purchases(spec, as_of=plan.windows[-1].last)
        events = self._seen.cleaned.events
        self._bought = {each.first: _bought(events, each) for each in plan.windows}
        self._market = self._seen.market.rename(index=str)
        self.metrics = (
            Metric(name="ndcg", unit=f"NDCG@{spec.list_length}", higher_is_better=True),
            Metric(name="hits", unit="households in 100 that buy something from their list", higher_is_better=True),
        )
        self.about = (
            f"Task {_TASK} alone, by family {plan.family}, in all {len(spec.keys)} markets, judged on all that each "
            "household bought, new products too; strangers get what is popular. A real training fits all families of "
            "both tasks three times."
        )
        self.dated = watched_lines(self._seen)

    @threadpool_limits.wrap(limits=1)
    def fit(self, window: Span) -> Shown:
        """Return the lists that would have been published for a window."""
        lists: dict[str, list[str]] = {}
        popular = {}
        for market in self._spec.keys:
            known = known_as_of(self._spec, self._seen, market, window.first - ONE)
            lists |= lists_of(self._spec, known, self._family, _TASK)
            popular[market] = _popular(known, self._spec.list_length)
        return Shown(lists, popular)

    def quality(self, model: Shown, window: Span) -> Quality:
        """Return the mean NDCG of the households that bought anything, and how many in 100 bought from their list."""
        bought, length = self._bought[window.first], self._spec.list_length
        if not bought:
            return {each.name: float("nan") for each in self.metrics}
        hit = np.zeros((len(bought), length))
        for row, (one, products) in enumerate(bought.items()):
            shown = model.lists.get(one) or model.popular[self._market[one]]
            hit[row, : len(shown)] = [item in products for item in shown]
        discount = 1 / np.log2(np.arange(2, length + 2))
        relevant = np.array([min(len(products), length) for products in bought.values()])
        gained = hit @ discount / np.cumsum(discount)[relevant - 1]
        return {"ndcg": float(gained.mean()), "hits": float(100 * hit.any(axis=1).mean())}

    def reference(self, window: Span) -> ReferenceProfile:
        """Return the profile of all lines before a window."""
        before = (self.dated.days < window.first).to_numpy()
        return Dated(self.dated.rows.loc[before], self.dated.days.loc[before]).reference(self._spec)


def material(spec: Recommendation, plan: Plan) -> ShopMaterial:
    """Return the history of a plan."""
    return ShopMaterial(spec, plan)


def reach(spec: Recommendation) -> Span:
    """Return the days for which a model can be fitted and judged, of all that have landed."""
    days = landed_days(spec)
    return Span(first=min(days) + dt.timedelta(days=spec.min_history_days + spec.fresh_days), last=max(days))


def family(spec: Recommendation) -> str:
    """Return the family that rebuys with the first market's champion, or the last of the spec's where there is none."""
    champion = Journal(spec.name).state().of(spec.keys[0]).champion
    return registry.recommendation_of(champion).chosen[_TASK] if champion else spec.families[-1]


def _bought(events: pd.DataFrame, window: Span) -> dict[str, frozenset[str]]:
    """Return the products that each household bought in a window."""
    start, end = pd.Timestamp(window.first, tz="UTC"), pd.Timestamp(window.last + ONE, tz="UTC")
    lines = events.loc[(events[TIME] >= start) & (events[TIME] < end), [HOUSEHOLD, PRODUCT]].astype(str)
    return {str(one): frozenset(products) for one, products in lines.groupby(HOUSEHOLD)[PRODUCT]}


def _popular(known: Interactions, n: int) -> list[str]:
    households = np.asarray(known.bought.sum(axis=0)).ravel()
    return [str(known.items[place]) for place in np.argsort(-households, kind="stable")[:n]]
