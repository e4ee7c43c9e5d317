"""What households would have done with lists that were never shown to them: a click model, and made up as such.

A click needs that the household looks at the position and that it wants the item (the position-based model; Craswell et
al. 2008, Chuklin, Markov & de Rijke 2015):

    chance of a click = examination(position) × relevance(household, item)

Relevance is recorded truth: ``wanted`` if the household did buy the item in the window that follows, ``other``, a small
rate, if it did not. So a replay rewards lists that foresee purchases. It does not know whether a list would have caused
one, whether an item at the top spoils the next, or how a household tires of the same list; a real experiment would.

The draw of (experiment, household, day, item) is a hash: a replay gives the same clicks, and both variants get the same
luck for the same item.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping, Sequence

from pydantic import Field

from include.records import Record


class ClickModel(Record):
    """How likely a household looks, and clicks where it looked."""

    wanted: float = Field(default=0.5, gt=0, le=1, description="click on an item that it buys in the window, if seen")
    other: float = Field(default=0.005, ge=0, le=1, description="click on any other item, if seen")
    steepness: float = Field(
        default=1.0, ge=0, description="examination of position p (from 1) is p to the power of minus this"
    )
    looks: float = Field(default=1.0, gt=0, le=1, description="chance that a household looks at the list on a day")

    def examination(self, position: int) -> float:
        """Return the chance that a household which looks at the list sees a position, the first being 1."""
        return float(position**-self.steepness)

    def chance(self, position: int, *, bought: bool) -> float:
        """Return the chance of a click by a household that looks at the list."""
        return self.examination(position) * (self.wanted if bought else self.other)


class Outcome(Record):
    """What a household did with its list on a day."""

    household: str
    day: dt.date
    shown: int = Field(description="items on the list; zero where the household did not look")
    clicked: tuple[str, ...]

    @property
    def converted(self) -> bool:
        """Return whether it clicked on anything."""
        return bool(self.clicked)


def outcomes(
    model: ClickModel,
    lists: Mapping[str, Sequence[str]],
    truth: Mapping[str, Collection[str]],
    *,
    day: dt.date,
    experiment: str,
) -> list[Outcome]:
    """Return what each household did with its list on a day.

    Args:
        model: The click model.
        lists: Household → items, best first.
        truth: Household → items that it bought in the window that follows; a household without any may be missing.
        day: The day of business.
        experiment: The experiment's name; another name draws other clicks.
    """
    found = []
    for household, items in lists.items():
        name = f"{experiment}|{household}|{day.isoformat()}|"
        looks = model.looks >= 1 or _draw(name) < model.looks
        bought = truth.get(household, ())
        clicked = tuple(
            item
            for position, item in enumerate(items if looks else (), start=1)
            if _draw(name + item) < model.chance(position, bought=item in bought)
        )
        found.append(Outcome(household=household, day=day, shown=len(items) if looks else 0, clicked=clicked))
    return found


def _draw(name: str) -> float:
    """Return a number in [0, 1) that belongs to the name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
