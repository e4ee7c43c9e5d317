"""The families that compete, the simplest first: that is the order in which they are preferred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.errors import PermanentError
from include.recommending.ease import ease, ease_counts
from include.recommending.interactions import Interactions
from include.recommending.models import Als, Frequency, Model, Popularity, item_knn
from include.recommending.rate import Rate


@dataclass(frozen=True)
class Family:
    """A way to learn.

    Args:
        name: As a spec names it.
        fit: Learns from interactions.
        tasks: For which of ``rebuy`` and ``discover`` it is meant.
        baseline: Whether others must beat it.
    """

    name: str
    fit: Callable[[Interactions], Model]
    tasks: frozenset[str]
    baseline: bool = False


_BOTH, _REBUY, _DISCOVER = frozenset({"rebuy", "discover"}), frozenset({"rebuy"}), frozenset({"discover"})
# Chosen on the recorded panel, on July–August and September–October after what was known before each.
FAMILIES = {
    family.name: family
    for family in (
        Family("popularity", Popularity.fit, _BOTH, baseline=True),
        Family("frequency", lambda x: Frequency.fit(x, half_life=150), _REBUY, baseline=True),
        Family("item_knn", item_knn, _BOTH),
        Family("als", Als.fit, _DISCOVER),
        Family("plain_ease", lambda x: ease(x, penalty=300), _DISCOVER, baseline=True),
        Family("ease", lambda x: ease(x, penalty=1000, types=0.6, departments=1.0), _DISCOVER),
        Family("recent_ease", lambda x: ease(x, penalty=500, half_life=120), _DISCOVER),
        Family("ease_counts", ease_counts, _REBUY),
        Family("rate", Rate.fit, _REBUY),
    )
}
BLENDED = {"discover": ("ease", "recent_ease", "als", "item_knn"), "rebuy": ("frequency", "ease_counts")}


def family(name: str) -> Family:
    """Return a family by its name.

    Raises:
        PermanentError: there is none of that name.
    """
    if name not in FAMILIES:
        raise PermanentError(
            expected=f"one of {', '.join(FAMILIES)}, blend",
            seen=name,
            where="families of the recommender",
            next_step="correct the spec's families",
        )
    return FAMILIES[name]
