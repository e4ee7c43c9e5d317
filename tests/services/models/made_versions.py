"""Versions of a use case as a training leaves them: its run, a registered version, and why it was trained."""

from __future__ import annotations

import datetime as dt

from include.models import registry, tracking
from include.naming import model_name
from include.records import KeyedTraining


def opened(spec, as_of, *, run, drift="", keys=()):
    """Open the parent run of a training."""
    training = KeyedTraining(
        use_case=spec.name, as_of=as_of, pipeline_run=run, originator="omar", originator_source="schedule",
        reason=drift or "scheduled", drift_confirmed=drift, seed=1, keys=keys or spec.keys, first_day=as_of,
        versions={}, git_commit="", lock_digest="", environment={},
    )  # fmt: skip
    return tracking.open_training(training, {}, airflow={}, try_number=1)


def trained(spec, as_of, *, run="", drift="", keys=()):
    """Return a version for each key of a training, each in a child run where there are many."""
    run = run or f"train/{as_of}"
    parent, made = opened(spec, as_of, run=run, drift=drift, keys=keys), {}
    for key in keys or spec.keys:
        mine = parent if len(spec.keys) == 1 else tracking.child_run(parent, f"series {key}", pipeline_run=run)
        tracking.log_text(mine, "model/MLmodel", "artifact_path: model\nflavors: {}\n")
        made[key] = registry.register(
            model_name(spec.name, key), f"runs:/{mine}/model", run_id=mine, digest=f"{as_of} {key}", as_of=as_of,
            pipeline_run=run,
        )  # fmt: skip
    return made


def day(number):
    """Return a day by its number."""
    return dt.date(2026, 4, 30) + dt.timedelta(days=number)
