"""What a verdict rests on: facts that others have found, in plain fields that any kind of use case can fill."""

from __future__ import annotations

import datetime as dt
import math
from typing import Self

from pydantic import Field, model_validator

from include.errors import MissingMetricError
from include.monitoring.kinds import FAULTS, Cause
from include.records import Comparison, Estimate, Record


class DriftFacts(Record):
    """Which of the last windows drifted."""

    windows: tuple[bool | None, ...] = Field(
        min_length=1, description="oldest first; none: too few rows, or wrong data"
    )
    needed: int = Field(ge=1, description="drifted windows that confirm a drift, the newest among them")
    said: str = Field(description="the newest window's columns with their effects, or why it was not judged")

    @property
    def judged(self) -> bool:
        """Return whether the newest window could be judged."""
        return self.windows[-1] is not None

    @property
    def drifted(self) -> bool:
        """Return whether the newest window drifted."""
        return bool(self.windows[-1])

    @property
    def hits(self) -> int:
        """Return how many windows drifted."""
        return sum(map(bool, self.windows))

    @property
    def confirmed(self) -> bool:
        """Return whether windows enough drifted, the newest among them."""
        return self.drifted and self.hits >= self.needed

    @property
    def line(self) -> str:
        """Return the same in a sentence."""
        if not self.judged:
            return f"drift: not judged, {self.said}"
        return f"drift: {self.said}; {self.hits} of the last {len(self.windows)} windows, {self.needed} would confirm"


class Performance(Record):
    """A metric of one window beside what was promised when the champion was judged.

    Raises:
        MissingMetricError: one of the numbers is none.
    """

    metric: str
    higher_is_better: bool
    promised: float = Field(description="level on the fresh rows of its training; for lists, of the weeks before")
    seen: Estimate = Field(description="level in the window, with its interval")
    first_day: dt.date
    last_day: dt.date
    rows: int

    def broken(self, margin: float) -> bool:
        """Return whether the whole interval is worse than the promise by more than a margin, a share of the promise."""
        if self.higher_is_better:
            return self.seen.high < self.promised - margin * abs(self.promised)
        return self.seen.low > self.promised + margin * abs(self.promised)

    @model_validator(mode="after")
    def _has_numbers(self) -> Self:
        if not all(map(math.isfinite, (self.promised, self.seen.value, self.seen.low, self.seen.high))):
            raise MissingMetricError(
                expected=f"a number of {self.metric} with its interval, and the one that was promised",
                seen=f"{self.seen}, promised {self.promised}",
                where=f"performance from {self.first_day} to {self.last_day}",
                next_step="leave it out where it cannot be computed; no number must not pass for a good one",
            )
        return self

    @property
    def said(self) -> str:
        """Return the same in a sentence."""
        where = f"from {self.first_day} to {self.last_day} over {self.rows} rows"
        return f"{self.metric} {self.seen} {where}, {self.promised:.4f} was promised"


class Evidence(Record):
    """All that is known of a champion on a day; what is not there was not looked at."""

    as_of: dt.date = Field(description="the day of the verdict, business time")
    drift: DriftFacts | None = Field(default=None, description="the newest windows against the reference")
    cause: Cause = Field(default="none", description="why the newest window differs")
    cause_said: str = Field(default="", description="the cause's evidence, and the columns to look at")
    truth: Performance | None = Field(default=None, description="newest window whose truth is known")
    estimate: Performance | None = Field(default=None, description="newest window by what the scores say themselves")
    before: Comparison | None = Field(
        default=None, description="champion and predecessor on the same rows; positive favours the champion"
    )
    held: str = Field(default="", description="why a person holds this version, so that no rollback moves it")
    unfair: tuple[str, ...] = Field(default=(), description="groups that get less than the limits allow, in sentences")
    operations: tuple[str, ...] = Field(default=(), description="what is not as it should be in volume or service")
    attempts: tuple[dt.date, ...] = Field(
        default=(), description="days of the retrainings that a monitor asked for, from the champion's own on"
    )

    @property
    def data_fault(self) -> bool:
        """Return whether the data is wrong, so that nothing else can be read from it."""
        return self.cause in FAULTS
