"""What a step needs to know from Airflow's context, and nothing else of it: the day, the run, who is behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow.sdk import timezone

from include.clock import business_time
from include.errors import PermanentError
from include.spec import UseCase

UNKNOWN = ""


@dataclass(frozen=True)
class Originator:
    """The user or users at the root of a chain of asset events; no name where it cannot be told."""

    name: str
    source: str

    def extra(self) -> dict[str, str]:
        """Return what an asset event carries on."""
        return {"originator": self.name, "originator_source": self.source}


def partition_day(context: Any) -> dt.date:
    """Return the business day of the run's partition key (its last part, where a zone or market stands before).

    Raises:
        PermanentError: the run has no partition key, or its key does not end in a day.
    """
    key = context["dag_run"].partition_key or ""
    try:
        return dt.date.fromisoformat(key.rpartition("|")[2])
    except ValueError:
        raise PermanentError(
            expected="a partition key that is a day like 2026-11-23",
            seen=repr(key),
            where=f"run {context['dag_run'].run_id}",
            next_step="trigger again with a partition key, under Advanced options of the form",
        ) from None


def pipeline_run(context: Any) -> str:
    """Return the name that identifies this DAG run everywhere outside Airflow."""
    return f"{context['dag_run'].dag_id}/{context['dag_run'].run_id}"


def originator(context: Any, spec: UseCase) -> Originator:
    """Return who is at the root of this run.

    A run by hand has its user. A scheduled one counts as the spec's owner. A run that was woken by events takes over
    what they carry, persons before the schedule; an event that no DAG of ours made says nothing.
    """
    run = context["dag_run"]
    if run.triggering_user_name:
        return Originator(run.triggering_user_name, "manual")
    kind = str(getattr(run.run_type, "value", run.run_type))
    if kind == "scheduled":
        return Originator(spec.owner, "schedule")
    carried = [_carried(event) for event in _events(context)]
    persons = sorted({each.name for each in carried if each.source == "manual" and each.name})
    if persons:
        return Originator(",".join(persons), "manual")
    if carried and all(each.source == "schedule" for each in carried):
        return Originator(carried[-1].name, "schedule")
    return Originator(UNKNOWN, "unknown")


def triggering_extra(context: Any, name: str) -> str:
    """Return a value that the newest triggering event carries, or nothing."""
    values = [str(event.extra[name]) for event in _events(context) if event.extra.get(name)]
    return values[-1] if values else ""


def moment_by_hand(spec: UseCase, given: str | None) -> dt.datetime:
    """Return the business moment of what a person does: the form's day; of a recording the end of what has landed."""
    if given:
        return dt.datetime.combine(dt.date.fromisoformat(given), dt.time(), dt.UTC)
    if (start := spec.source.recorded_from) is not None:
        from include.data.tables import Table

        return business_time(max(Table(spec.name, spec.tables[0]).days(), default=start - dt.timedelta(days=1)))
    return timezone.utcnow()


def _events(context: Any) -> Iterator[Any]:
    for events in (context.get("triggering_asset_events") or {}).values():
        yield from events


def _carried(event: Any) -> Originator:
    if not event.source_dag_id:
        return Originator(UNKNOWN, "unknown")
    return Originator(event.extra.get("originator", UNKNOWN), event.extra.get("originator_source", "unknown"))
