"""A training of many models, one for each key (a zone, a market): one parent run, a child run and a version a key.

A key whose training breaks keeps its champion, and the others go on; the last step names it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from include.data.tables import Table
from include.errors import FlightdeckError, PermanentError
from include.models import provenance, registry, tracking
from include.naming import model_name
from include.records import KeyedTraining, ModelRef
from include.spec import DatasetUseCase

_ERROR = "error.txt"


def prepare(
    spec: DatasetUseCase,
    *,
    needed_days: int,
    as_of: dt.date,
    keys: Sequence[str],
    pipeline_run: str,
    originator: str,
    originator_source: str,
    reason: str,
    try_number: int,
    airflow: Mapping[str, str],
    family: str = "",
) -> str:
    """Open the parent run, or find the one of an earlier try, and return its id.

    Raises:
        PermanentError: nothing has landed up to the day, or too little to learn from and be judged on.
    """
    landed = sorted(day for day in Table(spec.name, spec.datasets[0].table).days() if day <= as_of)
    if len(landed) < needed_days:
        raise PermanentError(
            expected=f"at least {needed_days} landed days up to {as_of}",
            seen=f"{len(landed)}",
            where=f"training of {spec.name}",
            next_step=f"land more days with {spec.name}_ingest, then ask for the training again",
        )
    training = KeyedTraining(
        use_case=spec.name,
        as_of=landed[-1],
        pipeline_run=pipeline_run,
        originator=originator,
        originator_source=originator_source,
        reason=reason,
        drift_confirmed=airflow.get("drift_confirmed", ""),
        seed=spec.seed,
        keys=tuple(keys),
        family=family,
        first_day=landed[0],
        versions={each.table: Table(spec.name, each.table).version() for each in spec.datasets},
        git_commit=provenance.git_commit(),
        lock_digest=provenance.lock_digest(),
        environment=provenance.environment(),
    )
    versions = {f"version.{name}": value for name, value in training.versions.items()}
    params = {"first_day": training.first_day, "keys": ",".join(keys), **versions}
    return tracking.open_training(training, params, airflow=airflow, try_number=try_number)


def record_of(run_id: str) -> KeyedTraining:
    """Return what the training of a parent run depends on."""
    return tracking.load_record(run_id, tracking.TRAINING, KeyedTraining)


def trained_keys(run_id: str) -> tuple[str, ...]:
    """Return the keys that a training is about."""
    return record_of(run_id).keys


def train_each(
    training: KeyedTraining, run_id: str, keys: Sequence[str], *, what: str, one: Callable[[str, str], None]
) -> dict[str, str]:
    """Train one key after another, each in a child run; one that breaks does not stop the others.

    Args:
        training: What the training depends on.
        run_id: The parent run.
        keys: The keys of this batch; those that the training is not about are left out.
        what: What a key is, for the child run's name.
        one: The training of a key in a child run: ``one(key, child_run_id)``.

    Returns:
        The error of each key that broke; the others have a version.

    Raises:
        TransientError: a service is away; the step goes on where it ended.
    """
    failed = {}
    for key in (each for each in keys if each in training.keys):
        child = child_of(training, run_id, key, what=what)
        try:
            one(key, child)
        except (FlightdeckError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            if isinstance(error, FlightdeckError) and not isinstance(error, PermanentError):
                raise
            failed[key] = f"{type(error).__name__}: {error}"
            tracking.log_text(child, _ERROR, failed[key])
            tracking.close_run(child, "FAILED")
        else:
            tracking.close_run(child)
    return failed


def outcome(spec: DatasetUseCase, run_id: str, *, what: str) -> tuple[dict[str, ModelRef], dict[str, str]]:
    """Return the version of each key that a training has registered, and the error of each that broke."""
    training = record_of(run_id)
    made, broken = {}, {}
    for key in training.keys:
        child = child_of(training, run_id, key, what=what)
        ref = registry.version_of_run(model_name(spec.name, key), child)
        if ref is None:
            broken[key] = tracking.load_text(child, _ERROR)
            tracking.close_run(child, "FAILED")
        else:
            made[key] = ref
            tracking.close_run(child)
    return made, broken


def child_of(training: KeyedTraining, run_id: str, key: str, *, what: str) -> str:
    """Return the child run of a key's training; the same one in every try."""
    who = {"originator": training.originator, "originator_source": training.originator_source}
    name = f"{what} {key}"
    return tracking.child_run(run_id, name, pipeline_run=training.pipeline_run, tags={what: key, **who})
