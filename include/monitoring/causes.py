"""Why a window differs: one of five kinds of cause, with the evidence, the columns to look at, and what to do.

The order is that of harm done by a wrong answer: a fault that is taken for a change of the world gets a model that has
learned the fault. So faults are looked for first, and only what bears no sign of one is a change; the relation itself
is blamed where inputs do not explain what the truth shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from include.monitoring.delivery import Delivery
from include.monitoring.drift import SCORE, WindowDrift
from include.monitoring.faults import alone, fault
from include.monitoring.kinds import FAULTS, Cause
from include.monitoring.profile import ReferenceProfile
from include.monitoring.selection import best_mix
from include.monitoring.window import WindowCounts
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
_EXPLAINED = 0.6  # share of all effects that another mix must explain


class Promise(Record):
    """What was expected of a metric before the labels came, and what they said."""

    metric: str
    expected: Estimate = Field(description="with the interval in which the truth was to lie")
    seen: Estimate = Field(description="by the labels, with its own interval")

    @property
    def broken(self) -> bool:
        """Return whether neither lies in the other's interval."""
        return not (
            self.expected.low <= self.seen.value <= self.expected.high
            or self.seen.low <= self.expected.value <= self.seen.high
        )


class Diagnosis(Record):
    """What changed, how that is known, and what to do."""

    cause: Cause
    evidence: tuple[str, ...] = ()
    columns: tuple[str, ...] = Field(default=(), description="what to look at, the foremost first")

    @property
    def fault(self) -> bool:
        """Return whether data is wrong, so that nothing may be learned from it."""
        return self.cause in FAULTS

    @property
    def advice(self) -> str:
        """Return what to do."""
        return ADVICE[self.cause]

    @property
    def said(self) -> str:
        """Return cause and evidence in a sentence."""
        return f"{TITLES[self.cause]}: {'; '.join(self.evidence)}" if self.evidence else TITLES[self.cause]


def diagnose(
    profile: ReferenceProfile,
    seen: WindowCounts,
    drift: WindowDrift,
    *,
    delivery: Delivery | None = None,
    promises: Sequence[Promise] = (),
    free_levels: bool = False,
) -> Diagnosis:
    """Return why a window differs from the reference.

    Args:
        profile: The reference.
        seen: The window's counts.
        drift: What differs.
        delivery: How its rows came; none where that is not known.
        promises: What was expected of its quality, and what the labels said; none before they are there.
        free_levels: Whether amounts of one column may take another level for good, as a zone with a new consumer does;
            such a level is then no sign of a fault.
    """
    late = delivery.faults if delivery else []
    signs = {each.column: fault(profile.columns[each.column], seen.columns[each.column], each, free_level=free_levels)
             for each in drift.drifted if each.column != SCORE}  # fmt: skip
    found = {name: sign for name, sign in signs.items() if sign}
    gone = {name: said for name, (kind, said) in found.items() if kind == "delivery"}
    gone |= {name: said for name, said in drift.problems.items() if name in profile.columns and "not there" in said}
    if late or gone:
        return Diagnosis(cause="delivery", evidence=(*late, *_named(gone)), columns=tuple(gone))
    wrong = {name: said for name, (kind, said) in found.items() if kind == "values"}
    wrong |= {name: said for name, said in drift.problems.items() if name in profile.columns}
    broken = delivery.broken if delivery else []
    inputs = [each for each in drift.drifted if each.column != SCORE]
    if not wrong and not free_levels and (lonely := alone(inputs)) and lonely.column not in profile.groups:
        wrong = {lonely.column: f"moved by {lonely.effect:.2f} standard deviations while no other column moved"}
    if wrong or broken:
        return Diagnosis(cause="values", evidence=(*_named(wrong), *broken), columns=tuple(wrong))
    return _changed(profile, seen, drift, promises)


def _changed(
    profile: ReferenceProfile, seen: WindowCounts, drift: WindowDrift, promises: Sequence[Promise]
) -> Diagnosis:
    """Return the change of a window that bears no sign of a fault."""
    columns = tuple(each.column for each in drift.drifted)
    broken = [
        f"{each.metric} was expected to be {each.expected} and is {each.seen}" for each in promises if each.broken
    ]
    mix = best_mix(profile, seen) if drift.alarm else None
    explained = mix is not None and mix.explained >= _EXPLAINED
    if broken and (not drift.alarm or explained):
        return Diagnosis(cause="concept", evidence=(*broken, "the inputs do not explain it"), columns=columns)
    if not drift.alarm:
        return Diagnosis(cause="none")
    if mix is not None and explained:
        said = f"the mix of {mix.column} explains {mix.explained:.0%} of all that moved ({'; '.join(mix.moved)})"
        return Diagnosis(cause="selection", evidence=(said,), columns=(mix.column, *columns))
    moved = [f"{each.column} by {each.effect:.2f}" for each in drift.drifted[:5]] or ["all columns together"]
    rest = f"no mix of groups explains it (best: {mix.column}, {max(mix.explained, 0):.0%})" if mix else ""
    evidence = (f"moved without a sign of a fault: {', '.join(moved)}", *filter(None, (rest, *broken)))
    return Diagnosis(cause="environment", evidence=evidence, columns=columns)


def _named(found: dict[str, str]) -> list[str]:
    return [f"{name}: {said}" for name, said in found.items()]
