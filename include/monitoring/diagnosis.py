"""What is said of why a window differs: the cause, its evidence, the columns to look at, and what to do."""

from __future__ import annotations

import math

from pydantic import Field

from include.monitoring.kinds import FAULTS, Cause
from include.records import Estimate, Record

TITLES: dict[Cause, str] = {
    "none": "nothing has changed",
    "delivery": "a fault in the delivery",
    "values": "a fault in the values",
    "selection": "another mix of cases",
    "environment": "a change of the world",
    "concept": "another relation of outcome and inputs",
}
ADVICE: dict[Cause, str] = {
    "none": "nothing to do",
    "delivery": "have the delivery completed or corrected at its source and land it again; train nothing on it",
    "values": "ask who changed the source of these columns, have the days corrected and land them again; train nothing",
    "selection": "see who asks more or less often now, and why; the model holds inside of the groups, so watch its "
    "quality by group, and train anew where a group was rare before",
    "environment": "see whether the change will last; a training on days behind it adapts the model",
    "concept": "train on days behind the change as soon as their truth is there; until then let persons decide more",
}


class Promise(Record):
    """What was expected of a metric before the labels came, and what they said."""

    metric: str
    expected: Estimate = Field(description="with the interval in which the truth was to lie")
    seen: Estimate = Field(description="by the labels, with its own interval")

    @property
    def excess(self) -> float:
        """Return the gap over what both intervals allow together, NaN where a number is missing; above 1 it is broken.

        The intervals' halves add up as errors do, in squares. One interval alone would forget that the expectation was
        itself learned from few rows, and several metrics are looked at.
        """
        gap = self.seen.value - self.expected.value
        up = self.expected.high - self.expected.value, self.seen.value - self.seen.low
        down = self.expected.value - self.expected.low, self.seen.high - self.seen.value
        allowed = math.hypot(*(up if gap > 0 else down))
        return abs(gap) / allowed if allowed else math.inf if gap else 0.0

    @property
    def broken(self) -> bool:
        """Return whether the truth is further off than both intervals allow."""
        return self.excess > 1

    @property
    def said(self) -> str:
        """Return both numbers in a sentence."""
        return f"{self.metric} was expected to be {self.expected} and is {self.seen}"


class Diagnosis(Record):
    """What changed, how that is known, and what to do."""

    cause: Cause
    evidence: tuple[str, ...] = ()
    columns: tuple[str, ...] = Field(default=(), description="what to look at, the foremost first")
    not_judged: str = Field(default="", description="why the columns were not compared; empty otherwise")
    runner_up: Cause | None = Field(default=None, description="the next cause that something speaks for, if any")

    @property
    def fault(self) -> bool:
        """Return whether data is wrong, so that nothing may be learned from it."""
        return self.cause in FAULTS

    @property
    def advice(self) -> str:
        """Return what to do."""
        if self.not_judged and self.cause == "none":
            return "look again when the window has what is missing"
        return ADVICE[self.cause]

    @property
    def said(self) -> str:
        """Return cause, evidence and what else it may be in a sentence."""
        title = "it cannot be told" if self.not_judged and self.cause == "none" else TITLES[self.cause]
        why = "; ".join(filter(None, (self.not_judged, *self.evidence)))
        why = f"{title}: {why}" if why else title
        return f"{why} (or {TITLES[self.runner_up]})" if self.runner_up else why
