"""How a use case's loop went over many windows: quality, what the monitor said, and what became of it, by day.

Everything is read from where the loop keeps it: predictions and truth from the tables, verdicts and trainings from
MLflow, changes of the deployment from the journal, calls from the incidents.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from include.data.objects import ObjectStore
from include.deployment.journal import Journal
from include.errors import MissingMetricError
from include.incidents import Incident
from include.models import tracking
from include.monitor_ops.monitor import VERDICT
from include.monitor_ops.seen_quality import Measure, measure_of
from include.monitor_ops.windows import newest_day
from include.naming import experiment_name, tenant
from include.records import Estimate
from include.scenario import ScenarioName
from include.spec import UseCase

Days = tuple[dt.date, dt.date]
Kind = Literal["alarm", "asked", "trained", "refused", "promoted", "taken back", "switched", "called"]
_ALARMS = ("watch", "retrain", "roll back", "stop")
_ACTIONS: dict[str, Kind] = {"promote": "promoted", "rollback": "taken back", "switch off": "switched",
                             "switch on": "switched"}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """Days that landed together, and what was found out about them.

    Args:
        first_day: The first of them.
        last_day: The last of them, on which the monitor looked.
        quality: What the truth says of the answers given for these days; none where it is not known yet.
        estimated: What was said of it before the truth was known, if anything.
        verdict: The monitor's word; empty where it did not come to one.
        cause: What it holds for the cause; empty where it names none.
        reason: Its sentence.
        run_id: MLflow run with its page; empty where there is none.
    """

    first_day: dt.date
    last_day: dt.date
    quality: Estimate | None = None
    estimated: Estimate | None = None
    verdict: str = ""
    cause: str = ""
    reason: str = ""
    run_id: str = ""

    @property
    def alarm(self) -> bool:
        """Return whether the monitor saw something amiss."""
        return self.verdict in _ALARMS


@dataclass(frozen=True)
class Moment:
    """Something that happened on a business day."""

    day: dt.date
    kind: Kind
    said: str


@dataclass(frozen=True)
class Timeline:
    """A use case's loop over some days.

    Args:
        use_case: Its name.
        title: Its name for people.
        measure: What quality is, and which way is better.
        steps: Its windows, in order.
        moments: What happened, in order of days.
        scenario: What happened to the data.
        changed_from: First day to which it happened.
        truth_from: Day on which the truth of that day is known.
        judged_until: Last day that the monitor has come to.
    """

    use_case: str
    title: str
    measure: Measure
    steps: tuple[Step, ...]
    moments: tuple[Moment, ...]
    scenario: ScenarioName
    changed_from: dt.date
    truth_from: dt.date
    judged_until: dt.date

    def of(self, *kinds: Kind) -> list[Moment]:
        """Return the moments of some kinds."""
        return [each for each in self.moments if each.kind in kinds]


@dataclass(frozen=True)
class Judgement:
    """What a monitor's run says, as far as it says it."""

    verdict: str = ""
    cause: str = ""
    reason: str = ""
    estimated: Estimate | None = None
    run_id: str = ""


def read_timeline(spec: UseCase, steps: Sequence[Days], *, scenario: ScenarioName, changed_from: dt.date) -> Timeline:
    """Return how the loop went over some windows, which follow each other.

    Args:
        spec: The use case.
        steps: First and last day of each window.
        scenario: What happened to the data.
        changed_from: First day to which it happened.

    Raises:
        TransientError: a store is away.
    """
    measure, verdicts = measure_of(spec), _verdicts(spec)
    found = tuple(_step(measure, days, verdicts.get(days[1], Judgement())) for days in steps)
    first, last = steps[0][0], steps[-1][1]
    alarms = [Moment(each.last_day, "alarm", f"{each.verdict}: {each.reason}") for each in found if each.alarm]
    changes = _changes(spec)
    moments = [*alarms, *_trainings(spec, changes), *changes, *_calls(spec)]
    return Timeline(
        use_case=spec.name,
        title=spec.title,
        measure=measure,
        steps=found,
        moments=tuple(sorted((each for each in moments if first <= each.day <= last), key=lambda each: each.day)),
        scenario=scenario,
        changed_from=changed_from,
        truth_from=changed_from + dt.timedelta(days=measure.truth_days),
        judged_until=newest_day(spec, last),
    )


def verdict_of(spec: UseCase, run_id: str) -> Judgement:
    """Return what one run of the monitor's DAG said; empty words where it came to none."""
    found = _judgements(spec, f"monitor/{run_id}")
    return _said(spec, found[-1]) if found else Judgement()


def _step(measure: Measure, days: Days, said: Judgement) -> Step:
    return Step(
        first_day=days[0],
        last_day=days[1],
        quality=measure.of(*days),
        estimated=said.estimated,
        verdict=said.verdict,
        cause=said.cause,
        reason=said.reason,
        run_id=said.run_id,
    )


def _verdicts(spec: UseCase) -> dict[dt.date, Judgement]:
    """Return the monitor's first word about each day; later ones are about the champion that followed from it."""
    found: dict[dt.date, Judgement] = {}
    for run in _judgements(spec, "monitor/%"):
        found.setdefault(dt.date.fromisoformat(run.info.run_name.rpartition(" ")[2]), _said(spec, run))
    return found


def _judgements(spec: UseCase, like: str) -> list[Any]:
    """Return the runs that came to a word; a monitor's DAG may open others."""
    return [run for run in _runs(spec, like) if "verdict" in run.data.params]


def _said(spec: UseCase, run: Any) -> Judgement:
    words = {name: run.data.params.get(name, "") for name in ("verdict", "cause", "reason")}
    return Judgement(**words, estimated=_foretold(spec, run.info.run_id), run_id=run.info.run_id)


def _foretold(spec: UseCase, run_id: str) -> Estimate | None:
    """Return what a monitor's run foretold of its window before the truth came; none where it foretells nothing."""
    try:
        said = tracking.load_json(run_id, VERDICT).get("foretold", {})
    except MissingMetricError:
        return None
    return Estimate.model_validate(said[spec.primary_metric]) if spec.primary_metric in said else None


def _trainings(spec: UseCase, changes: Sequence[Moment]) -> list[Moment]:
    """Return the trainings, who asked for them, and which of them came to nothing."""
    promoted, found = Counter(each.day for each in changes if each.kind == "promoted"), []
    for run in _runs(spec, "train/%"):
        if run.data.tags.get(tracking.ROLE) != "parent":
            continue
        training = tracking.load_json(run.info.run_id, tracking.TRAINING)
        day, drift = dt.date.fromisoformat(training["as_of"]), training["drift_confirmed"]
        found.append(Moment(day, "asked" if drift else "trained", drift or training["reason"]))
        promoted[day] -= 1
        if promoted[day] < 0:
            found.append(Moment(day, "refused", "the candidate was not promoted"))
    return found


def _changes(spec: UseCase) -> list[Moment]:
    """Return what the journal says; an entry at a day's end is that day's."""
    return [
        Moment((each.at - dt.timedelta(microseconds=1)).date(), _ACTIONS[each.action], f"{each.who}: {each.why}")
        for each in Journal(spec.name).entries()
        if each.action in _ACTIONS
    ]


def _calls(spec: UseCase) -> list[Moment]:
    """Return the calls that went to people about a day, each task's once."""
    store, found = ObjectStore(), {}
    for path in store.list_from(f"incidents/{tenant()}/{spec.name}_"):
        told = Incident.model_validate_json(store.get(path) or b"")
        if day := told.partition.rpartition("|")[2]:
            said = Moment(dt.date.fromisoformat(day), "called", f"{told.dag_id}: {told.message}")
            found[told.dag_id, told.run_id, told.task_id] = said
    return list(found.values())


def _runs(spec: UseCase, like: str) -> list[Any]:
    """Return the MLflow runs that runs of the ring's DAGs have opened, the oldest first."""
    with tracking.available(f"read the runs of {spec.name}"):
        experiment = tracking.client().get_experiment_by_name(experiment_name(spec.name))
        opened = f"tags.`{tracking.PIPELINE_RUN}` LIKE '{spec.name}_{like}'"
        return list(
            tracking.client().search_runs(
                [experiment.experiment_id], opened, order_by=["attributes.start_time ASC"], max_results=1000
            )
        )
