"""Which days a forecaster learns from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from include.errors import SourceError
from include.forecasting.panel import Array
from include.forecasting.samples import Sample

LEAST_DAYS = 60
_LEAST_SHARE = 0.9  # of the week before: a window that is mostly filled in teaches the filling


def usable(sample: Sample, actual: Array) -> tuple[NDArray[np.int_], Array]:
    """Return the rows that a forecaster may learn from, and their target: log load over the level, shape (rows, 24).

    Raises:
        SourceError: fewer than ``LEAST_DAYS`` are left.
    """
    whole = (np.nan_to_num(actual) > 0).all(axis=1) & (sample.windows.share >= _LEAST_SHARE)
    rows = np.flatnonzero(whole)
    if len(rows) < LEAST_DAYS:
        raise SourceError(
            expected=f"at least {LEAST_DAYS} whole days to learn from",
            seen=f"{len(rows)} of {len(sample)}",
            where="training of a load forecast",
            next_step="land more history, or use a forecaster that learns nothing",
        )
    return rows, np.log(actual[rows]) - sample.windows.level[rows, None]
