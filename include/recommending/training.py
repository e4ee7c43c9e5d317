"""Train one market: the families of both tasks, and the recommender that is served."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.recommending.blend import WINDOW, Blend, Task, choose, standard
from include.recommending.ease import basket_weights
from include.recommending.families import BLENDED, family
from include.recommending.interactions import Array, Interactions
from include.recommending.packing import pack
from include.recommending.recommender import Recommender

BLEND = "blend"


@dataclass(frozen=True, eq=False)
class Trained:
    """Scores of the families that were fitted for one task.

    Args:
        task: ``rebuy`` or ``discover``.
        scores: By family, shape (users, items).
        weights: Of the blend's families; empty where there is no blend.
        seconds: Time of each fit, with its scores.
    """

    task: Task
    scores: dict[str, Array]
    weights: dict[str, float]
    seconds: dict[str, float]


def train(
    x: Interactions, names: Sequence[str], task: Task, *, of: Sequence[str] | None = None, windows: int = 1,
    window: int = WINDOW,
) -> Trained:  # fmt: skip
    """Fit families for one task.

    Args:
        x: What is known.
        names: Families; ``blend`` needs no other one to be named.
        task: What they are for.
        of: What a blend is made of; all that may be in one of the task where none are given.
        windows: Of the blend's inner splits.
        window: Days of each.

    Raises:
        PermanentError: a family is unknown, or cannot run here.
    """
    wanted = [name for name in names if name != BLEND]
    blended = BLENDED[task] if of is None else of
    parts = [name for name in blended if name not in wanted] if BLEND in names else []
    scores: dict[str, Array] = {}
    seconds: dict[str, float] = {}
    for name in [*wanted, *parts]:
        began = time.perf_counter()
        scores[name] = family(name).fit(x).scores()
        seconds[name] = time.perf_counter() - began
    weights: dict[str, float] = {}
    if BLEND in names:
        began = time.perf_counter()
        weights = choose(x, blended, task, windows=windows, window=window)
        hidden = x.bought if task == "discover" else None
        scores[BLEND] = Blend.of(scores, weights, hidden=hidden).scores()
        seconds[BLEND] = time.perf_counter() - began
    return Trained(task, {name: scores[name] for name in names}, weights, seconds)


def build(
    x: Interactions, *, market: str, names: Iterable[str], rebuy: Array, discover: Array,
    rows: NDArray[np.integer] | None = None, about: Mapping[str, Any] | None = None,
) -> Recommender:  # fmt: skip
    """Return what is served: the scores of the families that won, and EASE's weights for baskets and reasons.

    A basket speaks in EASE's units. They are put to those of ``discover`` by how far both spread within a user.

    Args:
        x: What was learned from, the users of all markets: what goes with what is learned best from everybody.
        market: Which market is packed.
        names: What the items are called.
        rebuy: Scores of the family that won, shape (users, items).
        discover: The same for new items.
        rows: Places of the market's users, ascending; all users where none are given. What is popular is theirs.
        about: Facts of the training, as JSON.
    """
    linear = basket_weights(x)
    hidden = x.bought
    unit = standard(discover, hidden)[1] / max(standard(linear.scores(), hidden)[1], 1e-9)
    inside = np.arange(len(x.users)) if rows is None else rows
    return pack(
        x.only(inside), market=market, names=names, rebuy=rebuy[inside], discover=discover[inside],
        weights=linear.weights, unit=unit, about=about,
    )  # fmt: skip
