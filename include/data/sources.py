"""What a source gives: one partition, as rows and as the truth that is known of them.

A source is a plain function ``fetch(spec, day) -> Batch`` that the spec names. It may read S3, a database, or replay a
recording; what it returns is checked by the contract, whatever it promises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from include.catalog import resolve
from include.errors import PermanentError, SourceError
from include.scenario import CALM
from include.settings import settings
from include.spec import DatasetUseCase, UseCase

DAY, AVAILABLE_AT = "day", "available_at"
_Given = TypeVar("_Given")


@dataclass(frozen=True)
class Batch:
    """One day's delivery.

    Args:
        rows: The contract's columns without the target.
        truth: Identifier and target of the same day's rows; it is stored only when the label delay has passed.
    """

    rows: pd.DataFrame
    truth: pd.DataFrame


def fetch(spec: UseCase, day: dt.date) -> Batch:
    """Return one day's delivery from the source that the spec names.

    Raises:
        SourceError: the source has no such day, or gives something else than a batch.
    """
    batch = resolve(spec.source.fetch)(spec, day)
    if not isinstance(batch, Batch):
        raise SourceError(
            expected="a Batch of rows and truth",
            seen=type(batch).__name__,
            where=f"source {spec.source.fetch} for {day}",
            next_step="let the function return include.data.sources.Batch",
        )
    return _in_scenario(spec, day, batch)


def fetch_datasets(spec: DatasetUseCase, day: dt.date) -> Mapping[str, pd.DataFrame]:
    """Return a frame for each dataset of one day, from the source that the spec names.

    Raises:
        SourceError: the source has no such day, or gives no frame of a dataset.
    """
    frames: Mapping[str, pd.DataFrame] = resolve(spec.source.fetch)(spec, day)
    missing = [dataset.table for dataset in spec.datasets if dataset.table not in frames]
    if missing:
        raise SourceError(
            expected=f"frames of {[dataset.table for dataset in spec.datasets]}",
            seen=f"none of {missing}",
            where=f"source {spec.source.fetch} for {day}",
            next_step="let the function return a frame for each dataset",
        )
    return _in_scenario(spec, day, frames)


def _in_scenario(spec: UseCase, day: dt.date, given: _Given) -> _Given:
    """Return a delivery as the deployment's scenario changes it; in a calm one, and before its first day, as it is.

    Raises:
        PermanentError: the source has no scenarios.
    """
    now = settings()
    if now.scenario == CALM or day < now.scenario_from:
        return given
    if spec.source.scenarios is None:
        raise PermanentError(
            expected=f"a source that knows what '{now.scenario}' does to its days",
            seen="no 'scenarios' in the spec's source",
            where=f"{spec.name} {day}",
            next_step="name a function there, as include.data.scenarios has them, or replay 'calm'",
        )
    changed: _Given = resolve(spec.source.scenarios)(spec, now.scenario, day, given)
    return changed
