"""Rank by every family as of an earlier day, and see what was bought since: the same newest days for all of them.

Models learn nothing of the days they are judged on. A candidate is a choice of families, fitted again on all that is
known when it is packed; so it is the families that are compared, as in a forecast's backtest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from include.errors import PermanentError
from include.recommendation import Recommendation, Task
from include.recommending.blend import Blend
from include.recommending.evaluation import Judged, judge, relevant
from include.recommending.families import BLENDED, FAMILIES
from include.recommending.interactions import Array, Interactions
from include.recommending.training import BLEND, train

BASELINES: dict[Task, str] = {"rebuy": "frequency", "discover": "popularity"}


@dataclass(frozen=True, eq=False)
class Contest:
    """One task's families on the same newest days.

    Args:
        task: Rebuy or discover.
        past: What was known before these days.
        bought: What was bought on them, shape (users, items).
        families: What each family ranked, and how well.
        weights: Of the blend, by family; empty where there is none.
    """

    task: Task
    past: Interactions
    bought: sp.csr_array
    families: Mapping[str, Judged]
    weights: Mapping[str, float]

    @property
    def best(self) -> str:
        """Return the family that ranks best; of equal ones the simplest."""
        return max(self.families, key=lambda name: float(np.nanmean(self.families[name].ndcg)))


def contest(spec: Recommendation, x: Interactions, task: Task, *, days: int) -> Contest:
    """Return all families of a task as of ``days`` before the interactions' day, and what was bought since.

    Raises:
        SourceError: nothing was known then.
        PermanentError: too few have bought anything since that counts for the task.
    """
    past, bought = x.back(days), x.since(days).astype(bool).astype(np.float32)
    judged = int((np.diff(relevant(past, bought, task).indptr) > 0).sum())
    if judged < spec.gates.min_subgroup:
        raise PermanentError(
            expected=f"at least {spec.gates.min_subgroup} households with purchases that count for '{task}'",
            seen=f"{judged} on the newest {days} days",
            where=f"evaluation of {spec.name}",
            next_step="land more days, or judge on more of them",
        )
    names = of_task(spec, task)
    trained = train(past, names, task, of=blended(spec, task), window=days)
    ranked = {name: judge(scores, past, bought, task, k=spec.list_length) for name, scores in trained.scores.items()}
    return Contest(task, past, bought, ranked, trained.weights)


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
