"""The champion beside other versions on the very rows that it has scored: a shadow as a job, needing no service.

All score the same rows, so what they differ in is the model. A row that a version has learned from is not held against
the champion: it judges neither.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from include.classification import Classification
from include.data.sources import DAY
from include.deployment.entries import KeyState
from include.models import artifact, registry
from include.models.comparison import compare
from include.models.metrics import resamples
from include.naming import DEFAULT_KEY
from include.records import Comparison, ModelRef

_FEWEST = 100  # rows, and of these of either outcome a tenth


def beside(
    spec: Classification, champion: ModelRef, others: Sequence[ModelRef], rows: pd.DataFrame
) -> list[Comparison]:
    """Compare the champion with other versions, each on the rows that none of the two has learned from.

    Args:
        spec: The use case.
        champion: The version that decided.
        others: The versions that would have.
        rows: Scored rows whose truth is known: ``day``, the raw columns, ``score`` of the champion, and the target.

    Returns:
        A comparison for each version with rows enough; positive differences favour the champion.
    """
    found = []
    for other in others:
        fresh = rows.loc[rows[DAY] > _learned_until(other)]
        y = fresh[spec.contract.target].to_numpy(dtype=float)
        if len(fresh) < _FEWEST or not _FEWEST / 10 <= y.sum() <= len(fresh) - _FEWEST / 10:
            continue
        scores = artifact.load(other).score(fresh)
        weights = resamples(len(fresh), spec.seed)
        mine = fresh["score"].to_numpy(dtype=float)
        found.append(compare(spec, y, mine, scores, weights, f"v{other.version}"))
    return found


def rivals_of(spec: Classification, now: KeyState, as_of: dt.date) -> list[ModelRef]:
    """Return the versions that are worth comparing: the champion before, those that wait, and the newest candidate."""
    newest = registry.newest(spec, as_of, key=DEFAULT_KEY)
    named = (now.previous, now.challenger, now.shadow, newest)
    decides = now.decides
    return list({each.version: each for each in named if each is not None and each != decides}.values())


def _learned_until(ref: ModelRef) -> dt.date:
    return registry.classification_of(ref).snapshot.last_day
