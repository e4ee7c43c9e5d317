"""When a retraining may be asked for again: each that did not end what it was asked for makes the next one wait longer.

A model that has learned the newest rows and is no better, or of which the same is found, says that these rows do not
help. To ask again every time would train the same model over and over, and have a person look at each.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from pydantic import Field

from include.policy import Policy
from include.records import Record

_MOST_STEPS = 64  # beyond, any growth has long reached the longest wait


class Backoff(Record):
    """How long the next retraining waits."""

    attempts: int = Field(description="retrainings that a monitor asked for: the champion's own, and those since then")
    windows: int = Field(default=0, description="windows that are waited after the last of them")
    due: dt.date | None = Field(default=None, description="first day on which is asked again; none: at any time")
    exhausted: bool = Field(default=False, description="whether the wait has grown to the longest one")

    def waits(self, day: dt.date) -> bool:
        """Return whether a day is too early to ask again."""
        return self.due is not None and day < self.due

    @property
    def said(self) -> str:
        """Return the same in a sentence."""
        if not self.attempts:
            return "none was asked for since the champion was trained"
        tried = "1 retraining" if self.attempts == 1 else f"{self.attempts} retrainings"
        return f"{tried} did not end what was found; the next is due on {self.due}"


def backoff(policy: Policy, attempts: Sequence[dt.date], *, window_days: int) -> Backoff:
    """Return how long the next retraining waits.

    Args:
        policy: The first wait, its growth, and the longest one, in windows.
        attempts: Days as of which was trained because a monitor had asked; in any order.
        window_days: Length of a window.
    """
    if not attempts:
        return Backoff(attempts=0)
    grown = policy.first_wait * policy.wait_factor ** min(len(attempts) - 1, _MOST_STEPS)
    windows = math.ceil(min(grown, policy.max_wait))
    due = max(attempts) + dt.timedelta(days=windows * window_days)
    return Backoff(attempts=len(attempts), windows=windows, due=due, exhausted=grown >= policy.max_wait)
