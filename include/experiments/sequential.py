"""May the experiment be ended today? A test that stays valid when it is looked at every day.

Group-sequential with the level spent by the calendar, O'Brien–Fleming-like (``include.experiments.boundaries``). Left:
confidence sequences (Waudby-Smith et al. 2021) and mixture tests (Johari et al. 2017), valid at any time and without an
end. Even one that is tuned to the planned end needs 64 % more households for the same power over 28 independent days
(``tests/model`` computes it), and the proof takes each new observation as fresh: a household that stays in its variant
brings its habits back every day, so its days are not.

The read-out is a pure function of the plan and the recorded days: who reads it later, or again, reads the same.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import binomtest

from include.errors import ExperimentError
from include.experiments.boundaries import Array, critical_values
from include.experiments.observations import Effects, Observations, effects
from include.experiments.plan import Plan
from include.records import Estimate, Record

Decision = Literal["continue", "better", "worse", "no difference"]
WRONG_SPLIT = 0.001  # below this chance of so uneven a split, the assignment is broken (Fabijan et al. 2019)


class Look(Record):
    """What one day's look saw; the interval is valid at this look although there were others."""

    day: dt.date
    champion_rate: float
    challenger_rate: float
    difference: Estimate | None = Field(description="challenger minus champion; none while nothing can be said")
    z: float = Field(description="the difference in its standard errors")
    critical: float | None = Field(description="how many standard errors stop it; none where no result could")


class ReadOut(Record):
    """What may be concluded at the end of a day."""

    decision: Decision
    day: dt.date = Field(description="last day that was looked at")
    look: int = Field(description="which look it was")
    of_looks: int = Field(description="how many were planned")
    units: tuple[int, int] = Field(description="households of champion and challenger")
    planned_units: int
    confidence: float = Field(description="chance that the intervals of all looks hold together")
    split_p_value: float = Field(description="chance of a split at least as uneven as this one")
    looks: tuple[Look, ...]

    @property
    def sound(self) -> bool:
        """Return whether the split is what was planned; where it is not, nothing may be concluded."""
        return self.split_p_value >= WRONG_SPLIT

    @property
    def difference(self) -> Estimate | None:
        """Return the difference at the last look."""
        return self.looks[-1].difference


def read_out(observations: Observations, planned: Plan) -> ReadOut:
    """Return what may be concluded from the days so far; what comes after a stop is not looked at.

    Raises:
        ExperimentError: there are more days than were planned, or a variant has fewer than two units.
    """
    assumed = planned.assumptions
    _planned(observations, planned)
    found = effects(observations.outcomes, observations.exposures, observations.treated, observations.before)
    critical, stops = stopped(found, assumed.spent())
    last = int(np.flatnonzero(stops)[0]) if stops.any() else len(stops) - 1
    challengers = int(observations.treated.sum())
    return ReadOut(
        decision=_decision(found, stops, last, assumed.days),
        day=observations.days[last],
        look=last + 1,
        of_looks=assumed.days,
        units=(len(observations.units) - challengers, challengers),
        planned_units=planned.units,
        confidence=1 - assumed.level,
        split_p_value=float(binomtest(challengers, len(observations.units), assumed.share).pvalue),
        looks=tuple(_look(observations, found, critical, k) for k in range(last + 1)),
    )


def stopped(found: Effects, spent: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the critical values of each look, and whether its statistic reaches them; many experiments at once."""
    critical = found.stretched(critical_values(found.correlations, spent[: found.z.shape[-1]]))
    return critical, np.abs(found.z) >= critical


def _decision(found: Effects, stops: NDArray[np.bool_], last: int, planned: int) -> Decision:
    if stops[last]:
        return "better" if found.difference[last] > 0 else "worse"
    return "no difference" if last + 1 == planned else "continue"


def _look(observations: Observations, found: Effects, critical: Array, k: int) -> Look:
    value, reach = float(found.difference[k]), float(critical[k] * found.error[k])
    return Look(
        day=observations.days[k],
        champion_rate=float(np.nan_to_num(found.rates[0, k])),
        challenger_rate=float(np.nan_to_num(found.rates[1, k])),
        difference=Estimate(value=value, low=value - reach, high=value + reach) if np.isfinite(reach) else None,
        z=float(found.z[k]),
        critical=float(critical[k]) if np.isfinite(critical[k]) else None,
    )


def _planned(observations: Observations, planned: Plan) -> None:
    challengers = int(observations.treated.sum())
    fewest = min(challengers, len(observations.units) - challengers)
    if len(observations.days) > planned.assumptions.days or fewest < 2:
        raise ExperimentError(
            expected=f"at most the {planned.assumptions.days} planned days, and two units in each variant",
            seen=f"{len(observations.days)} days, {fewest} units in the smaller variant",
            where="read-out of an experiment",
            next_step="the level is spent by the planned end: plan a new experiment to look at more",
        )
