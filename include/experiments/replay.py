"""An experiment on recorded days: who would have had which list, what the click model makes of it, and what was read.

Everything follows from the arguments: households are assigned by the hash of the salt as in production, clicks are
drawn by hash, and each day is read by the same test that a real experiment uses. The replay goes on to its planned end
even where the test has stopped, so that a plot can show what was spared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from include.deployment.assignment import Variant, variant_of
from include.errors import ExperimentError
from include.experiments.click_model import ClickModel, outcomes
from include.experiments.observations import Observations, observe
from include.experiments.plan import Plan
from include.experiments.sequential import ReadOut, read_out

VARIANTS: tuple[Variant, ...] = ("champion", "challenger")


@dataclass(frozen=True)
class ReplayDay:
    """What is given of a recorded day.

    Attributes:
        day: The day.
        lists: By variant, household → items, best first. A household must have a list of both.
        truth: Household → items that it bought in the window that follows.
    """

    day: dt.date
    lists: Mapping[Variant, Mapping[str, Sequence[str]]]
    truth: Mapping[str, Collection[str]]


@dataclass(frozen=True, eq=False)
class Replay:
    """A replayed experiment.

    Attributes:
        events: One row a household and day: ``unit``, ``variant``, ``day``, ``outcome`` (1: clicked), ``clicks``.
        observations: The same, as the test takes it.
        read_outs: What could be concluded at the end of each day; once it is decided, they repeat the decision.
    """

    events: pd.DataFrame
    observations: Observations
    read_outs: tuple[ReadOut, ...]

    @property
    def decided(self) -> ReadOut:
        """Return the last read-out: the decision, or that there is none yet."""
        return self.read_outs[-1]


def replay(
    days: Iterable[ReplayDay],
    planned: Plan,
    *,
    salt: str,
    use_case: str,
    key: str,
    model: ClickModel,
    before: pd.Series | None = None,
) -> Replay:
    """Run an experiment day by day.

    Args:
        days: Recorded days in order; one is needed at a time.
        planned: The plan; its share is the challenger's weight.
        salt: Name of the experiment, which assigns the households and draws the clicks.
        use_case: As in production, a part of the assignment.
        key: The market.
        model: The click model.
        before: The rate of each household before the experiment, to be taken out.

    Raises:
        ExperimentError: households change from day to day, a list is missing, or days are not consecutive.
    """
    assigned: dict[str, Variant] = {}
    rows: list[tuple[str, Variant, dt.date, float, int]] = []
    for each in days:
        households = _households(each, assigned)
        if not assigned:
            weight = planned.assumptions.share
            assigned = {h: variant_of(h, salt=salt, use_case=use_case, key=key, weight=weight) for h in households}
        lists = {household: each.lists[variant][household] for household, variant in assigned.items()}
        for outcome in outcomes(model, lists, each.truth, day=each.day, experiment=salt):
            variant, clicks = assigned[outcome.household], len(outcome.clicked)
            rows.append((outcome.household, variant, each.day, float(clicks > 0), clicks))
    if not rows:
        raise _unlike("at least one day with households", "none")
    events = pd.DataFrame(rows, columns=["unit", "variant", "day", "outcome", "clicks"])
    first, last = events["day"].min(), events["day"].max()
    if events["day"].nunique() != (last - first).days + 1:
        raise _unlike(f"every day from {first} to {last}", f"{events['day'].nunique()} days")
    observed = observe(events, assigned, first=first, last=last, before=before)
    read = tuple(read_out(observed.until(day), planned) for day in observed.days)
    return Replay(events=events, observations=observed, read_outs=read)


def frame(read_outs: Sequence[ReadOut]) -> pd.DataFrame:
    """Return the looks of an experiment as rows to plot: rates, difference, its interval, z and boundary by day."""
    columns = ("day", "champion_rate", "challenger_rate", "z", "critical")
    final = read_outs[-1]
    rows = []
    for number, look in enumerate(final.looks, start=1):
        ended = number == final.look
        row = {name: getattr(look, name) for name in columns}
        interval = look.difference
        row |= {
            "difference": interval.value if interval else None,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "decision": final.decision if ended else "continue",
        }
        rows.append(row)
    numbers = [name for name in rows[0] if name not in ("day", "decision")]
    return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))


def _households(each: ReplayDay, assigned: Mapping[str, Variant]) -> list[str]:
    champion, challenger = (set(each.lists.get(variant, {})) for variant in VARIANTS)
    wanted = set(assigned) or champion
    if champion != wanted or challenger != wanted:
        seen = f"{len(champion)} and {len(challenger)} on {each.day}"
        raise _unlike(f"lists of both variants for the same {len(wanted)} households every day", seen)
    return sorted(wanted)


def _unlike(expected: str, seen: str) -> ExperimentError:
    return ExperimentError(
        expected=expected,
        seen=seen,
        where="replay of an experiment",
        next_step="give each day the lists of both variants for all households, a fall-back's where a model has none",
    )
