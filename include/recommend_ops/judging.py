"""Rank by every family as of an earlier day, and see what was bought since: the same newest days for all of them.

Models learn nothing of the days they are judged on. A candidate is a choice of families, fitted again on all that is
known when it is packed; so it is the families that are compared, as in a forecast's backtest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from include.errors import PermanentError
from include.recommendation import Recommendation, Task
from include.recommending.blend import Blend, choose
from include.recommending.families import BLENDED, FAMILIES
from include.recommending.interactions import Array, Interactions, Places
from include.recommending.metrics import Values, ndcg, ranked, recall

BLEND = "blend"
BASELINES: dict[Task, str] = {"rebuy": "frequency", "discover": "popularity"}


@dataclass(frozen=True, eq=False)
class Judged:
    """One task's families on the same newest days.

    Args:
        task: Rebuy or discover.
        past: What was known before these days.
        truth: What was bought on them, and counts for the task, shape (users, items).
        tops: Best items of each user by family, shape (users, length).
        weights: Of the blend, by family; empty where there is none.
    """

    task: Task
    past: Interactions
    truth: sp.csr_array
    tops: Mapping[str, Places]
    weights: Mapping[str, float]

    @cached_property
    def ndcg(self) -> dict[str, Values]:
        """Return NDCG of each user by family; NaN where a user bought nothing that counts."""
        return {name: ndcg(top, self.truth) for name, top in self.tops.items()}

    @cached_property
    def recall(self) -> dict[str, Values]:
        """Return recall of each user by family; NaN where a user bought nothing that counts."""
        return {name: recall(top, self.truth) for name, top in self.tops.items()}

    def mean(self, family: str) -> float:
        """Return the mean NDCG of a family over the users that bought something that counts."""
        return float(np.nanmean(self.ndcg[family]))

    @property
    def best(self) -> str:
        """Return the family that ranks best; of equal ones the simplest."""
        return max(self.tops, key=self.mean)


def judge(spec: Recommendation, x: Interactions, task: Task, *, days: int) -> Judged:
    """Return all families of a task as of ``days`` before the interactions' day, and what was bought since.

    Raises:
        SourceError: nothing was known then.
        PermanentError: nobody bought anything since that counts for the task.
    """
    past = x.back(days)
    hidden = past.bought if task == "discover" else None
    truth = x.since(days).astype(bool).astype(np.float32)
    if hidden is not None:
        truth = sp.csr_array(truth - truth.multiply(hidden))
        truth.eliminate_zeros()
    if not truth.nnz:
        raise PermanentError(
            expected=f"purchases that count for '{task}' on the newest {days} days",
            seen="none",
            where=f"evaluation of {spec.name}",
            next_step="land more days, or judge on more of them",
        )
    names = of_task(spec, task)
    parts = {name: FAMILIES[name].fit(past).scores() for name in names if name != BLEND}
    weights: dict[str, float] = {}
    if BLEND in names:
        weights = choose(past, blended(spec, task), task, window=days)
        parts[BLEND] = Blend.of(parts, weights, hidden=hidden).scores()
    tops = {name: ranked(scores, spec.list_length, hidden=hidden) for name, scores in parts.items()}
    return Judged(task, past, truth, tops, weights)


def of_task(spec: Recommendation, task: Task) -> list[str]:
    """Return the spec's families that are meant for a task, the simplest first; the blend where it has two to blend."""
    names: list[str] = [name for name in spec.families if name != BLEND and task in FAMILIES[name].tasks]
    return [*names, BLEND] if BLEND in spec.families and len(blended(spec, task)) > 1 else names


def blended(spec: Recommendation, task: Task) -> Sequence[str]:
    """Return the spec's families that a task's blend is made of."""
    return [name for name in BLENDED[task] if name in spec.families]


def scores_of(x: Interactions, name: str, task: Task, weights: Mapping[str, float]) -> Array:
    """Return a family's scores as of the interactions' day, shape (users, items)."""
    if name != BLEND:
        return FAMILIES[name].fit(x).scores()
    parts = {each: FAMILIES[each].fit(x).scores() for each in weights}
    return Blend.of(parts, weights, hidden=x.bought if task == "discover" else None).scores()
