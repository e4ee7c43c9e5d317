"""An experiment between two families on recorded days: planned beforehand, split by hash, read out every day.

The lists of each day are what each family, fitted on what was known the evening before the first day, would have shown;
clicks come from the documented model. So it shows what an experiment of this size can tell, not what customers do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import pandas as pd

from include.errors import PermanentError
from include.experiments.bandit import posterior, weights
from include.experiments.click_model import ClickModel
from include.experiments.plan import Assumptions, Plan, alike, plan, smallest_effect
from include.experiments.replay import Replay, ReplayDay, frame, replay
from include.models import tracking
from include.recommend_ops.contest import blended, scores_of
from include.recommend_ops.purchases import Purchases, purchases
from include.recommend_ops.training import known_to
from include.recommendation import Recommendation, Task
from include.recommending.blend import choose
from include.recommending.events import HOUSEHOLD, PRODUCT, TIME
from include.recommending.interactions import Interactions
from include.recommending.metrics import ranked
from include.recommending.training import BLEND
from include.reporting import Report, figure

REPORT = "experiment.html"
_PILOT_DAYS = 14
_WINDOW = dt.timedelta(days=7)


@dataclass(frozen=True)
class Design:
    """What is compared.

    Args:
        name: Salts the split and the clicks.
        market: The market.
        champion: Family that is live.
        challenger: Family that may replace it.
        task: Whose lists are shown.
        first_day: First day on which lists are shown.
        days: How many days.
        effect: Smallest difference of the daily click rate that is worth having.
    """

    name: str
    market: str
    champion: str
    challenger: str
    task: Task
    first_day: dt.date
    days: int
    effect: float


@dataclass(frozen=True)
class Outcome:
    """What an experiment came to.

    Args:
        planned: The plan, made before the first day.
        detectable: The smallest effect that the market's households can show in these days.
        replay: Every day's read-out.
        run_id: MLflow run that holds the report.
        said: The decision in a sentence.
    """

    planned: Plan
    detectable: float
    replay: Replay
    run_id: str
    said: str


def run_experiment(spec: Recommendation, design: Design, *, pipeline_run: str) -> Outcome:
    """Plan the experiment on the days before it, replay it, and log its page.

    Raises:
        PermanentError: purchases after the experiment's last day have not landed, which the click model needs.
        ExperimentError: the plan cannot be made.
    """
    last = design.first_day + dt.timedelta(days=design.days - 1)
    eve = design.first_day - dt.timedelta(days=1)
    seen = purchases(spec, as_of=last + _WINDOW)
    needed, newest = last + _WINDOW - dt.timedelta(days=1), seen.cleaned.events[TIME].max().date()
    if newest < needed:
        raise PermanentError(
            expected=f"purchases up to {needed}: its days, and the week a click has to become a purchase",
            seen=f"up to {newest}",
            where=f"experiment {design.name} of {spec.name}",
            next_step="land more days, or choose an earlier first day",
        )
    model = ClickModel()
    pilot = replace(
        design,
        challenger=design.champion,
        first_day=design.first_day - dt.timedelta(days=_PILOT_DAYS),
        days=_PILOT_DAYS,
    )
    baseline, correlation = _pilot(spec, seen, pilot, model)
    known = known_as_of(spec, seen, design.market, eve)
    assumptions = Assumptions(baseline=baseline, correlation=correlation, days=design.days)
    planned = plan(assumptions, effect=design.effect)
    found = replay(
        _days(spec, seen, known, design), planned, salt=design.name, use_case=spec.name, key=design.market, model=model
    )
    detectable = smallest_effect(assumptions, units=len(known.users)).effect
    read = found.decided
    said = (
        f"{design.challenger} against {design.champion} on {design.task} in {design.market}: {read.decision} on "
        f"{read.day} (look {read.look} of {read.of_looks}); planned for {planned.units} households, "
        f"{len(known.users)} are there, which can show a difference of {detectable:.1%} or more"
    )
    run_id = tracking.open_run(spec.name, f"experiment {design.name}", pipeline_run=pipeline_run)
    tracking.log_params(run_id, asdict(design))
    tracking.log_metrics(run_id, {"planned_units": planned.units, "units": len(known.users), "detectable": detectable})
    outcome = Outcome(planned, detectable, found, run_id, said)
    tracking.log_report(run_id, REPORT, _page(spec, design, outcome, baseline, correlation))
    tracking.close_run(run_id)
    return outcome


def known_as_of(spec: Recommendation, seen: Purchases, market: str, day: dt.date) -> Interactions:
    """Return what was known of a market at the end of a day, of all that has landed since."""
    events = seen.cleaned.events
    past = events.loc[events[TIME] < pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)]
    return known_to(spec, replace(seen, cleaned=replace(seen.cleaned, events=past)), market, day)


def _pilot(spec: Recommendation, seen: Purchases, design: Design, model: ClickModel) -> tuple[float, float]:
    """Return the daily click rate of a design whose variants are the same, and how alike a household's days are."""
    known = known_as_of(spec, seen, design.market, design.first_day - dt.timedelta(days=1))
    assumed = Assumptions(baseline=0.5, correlation=0.1, days=design.days)
    found = replay(
        _days(spec, seen, known, design), plan(assumed, effect=0.4), salt=f"{design.name}/pilot", use_case=spec.name,
        key=design.market, model=model,
    )  # fmt: skip
    return alike(found.observations.outcomes)


def _days(spec: Recommendation, seen: Purchases, known: Interactions, design: Design) -> Iterator[ReplayDay]:
    made = {name: lists_of(spec, known, name, design.task) for name in {design.champion, design.challenger}}
    lists = {"champion": made[design.champion], "challenger": made[design.challenger]}
    events = seen.cleaned.events
    for number in range(design.days):
        day = design.first_day + dt.timedelta(days=number)
        start = pd.Timestamp(day, tz="UTC")
        later = events.loc[(events[TIME] >= start) & (events[TIME] < start + _WINDOW)]
        truth = later.groupby(later[HOUSEHOLD].astype(str))[PRODUCT].agg(lambda items: set(items.astype(str)))
        yield ReplayDay(day, lists, truth.to_dict())  # type: ignore[arg-type]


def lists_of(spec: Recommendation, known: Interactions, family: str, task: Task) -> dict[str, list[str]]:
    """Return what a family would show each household, best first, by household."""
    found = choose(known, blended(spec, task), task, window=spec.fresh_days) if family == BLEND else {}
    hidden = known.bought if task == "discover" else None
    top = ranked(scores_of(known, family, task, found), spec.list_length, hidden=hidden)
    return {
        str(user): [str(known.items[place]) for place in row if place >= 0]
        for user, row in zip(known.users, top, strict=True)
    }


def _page(spec: Recommendation, design: Design, found: Outcome, baseline: float, correlation: float) -> str:
    looks = frame(found.replay.read_outs)
    report = Report(
        f"{spec.title}: experiment {design.name}",
        f"{design.challenger} against {design.champion}, {design.task}, {design.market}, from {design.first_day}",
    )
    report.section("What it says").text(f"{found.said[0].upper()}{found.said[1:]}.")
    report.section("Plan", "Made from the days before the first one, for the test that reads it out every day.")
    report.table(
        ["what", "value"],
        [
            ["daily click rate before", f"{baseline:.2%}"],
            ["likeness of a household's days", f"{correlation:.2f}"],
            ["smallest effect worth having", f"{design.effect:.2%}"],
            ["households needed", found.planned.units],
            ["households there", sum(found.replay.decided.units)],
            ["smallest effect that these can show", f"{found.detectable:.2%}"],
        ],
    )
    report.section("Read-outs", "The intervals hold together, however often they are looked at.")
    drawn, axes = figure(1)
    axes.plot(looks["day"], 100 * looks["difference"], "o-")
    axes.fill_between(looks["day"], 100 * looks["low"], 100 * looks["high"], alpha=0.2)
    axes.axhline(0, color="k", linewidth=0.6)
    axes.set(ylabel="challenger − champion, percentage points")
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    report.plot(drawn, "Difference of the daily click rate")
    report.table(
        ["day", "champion", "challenger", "z", "needed", "decision"],
        [[row.day, f"{row.champion_rate:.2%}", f"{row.challenger_rate:.2%}", f"{row.z:.2f}", f"{row.critical:.2f}",
          row.decision] for row in looks.itertuples()],
    )  # fmt: skip
    report.section("Bandit", "The share that Thompson sampling would give each variant on the next day.")
    report.table(["variant", "share"], _bandit(found.replay, design, correlation))
    return report.html()


def _bandit(found: Replay, design: Design, correlation: float) -> list[list[object]]:
    events = found.events
    names = ("champion", "challenger")
    posteriors = []
    for name in names:
        mine = events.loc[events["variant"] == name, "outcome"]
        posteriors.append(
            posterior(float(mine.sum()), float(len(mine)), days=design.days, correlation=max(correlation, 0.0))
        )
    return [[name, f"{share:.0%}"] for name, share in zip(names, weights(posteriors, seed=design.name), strict=True)]
