"""What a source gives: one partition, as rows and as the truth that is known of them.

A source is a plain function ``fetch(spec, day) -> Batch`` that the spec names. It may read S3, a database, or replay a
recording; what it returns is checked by the contract, whatever it promises.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from include.catalog import resolve
from include.errors import SourceError
from include.spec import UseCase

DAY, AVAILABLE_AT = "day", "available_at"


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
    return batch
