"""Rules set by hand, over any model: blocked items are gone, boosted ones weigh more, pinned ones come first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from include.errors import PermanentError

Item = tuple[int, float, str]  # product, score (0 to 1), reason
PINNED = "pinned by hand"


@dataclass(frozen=True)
class Rules:
    """What a person decided about items of one market.

    Args:
        blocked: Never shown, not even where they are pinned.
        boosted: Factor on the score by item; below 1 it weighs less.
        pinned: Shown first, in this order.
    """

    blocked: frozenset[int] = frozenset()
    boosted: Mapping[int, float] = field(default_factory=dict)
    pinned: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        wrong = {item: factor for item, factor in self.boosted.items() if not (factor > 0 and math.isfinite(factor))}
        if wrong:
            raise PermanentError(
                expected="factors above 0",
                seen=", ".join(f"{factor} for {item}" for item, factor in wrong.items()),
                where="boosted items",
                next_step="block an item that shall not be shown",
            )

    @property
    def named(self) -> frozenset[int]:
        """Return the items whose place a rule may change."""
        return frozenset(self.boosted) | frozenset(self.pinned)


def apply_rules(ranked: Sequence[Item], rules: Rules) -> list[Item]:
    """Return the items by the rules: pinned, then the others by boosted score; equal ones keep their order.

    Args:
        ranked: Best first; it should hold the items that rules name, for a boost cannot lift what is not there.
        rules: What to do with them. A pinned item that is not ranked gets the score 0.
    """
    scores = {item: (score, reason) for item, score, reason in ranked}
    first = [item for item in dict.fromkeys(rules.pinned) if item not in rules.blocked]
    left = [
        (item, score * rules.boosted.get(item, 1.0), _said(reason, rules.boosted.get(item)))
        for item, score, reason in ranked
        if item not in rules.blocked and item not in first
    ]
    pinned = [(item, scores.get(item, (0.0, ""))[0], PINNED) for item in first]
    return pinned + sorted(left, key=lambda each: -each[1])


def _said(reason: str, factor: float | None) -> str:
    return reason if factor is None else f"{reason}; boosted by hand ({factor:g})"
