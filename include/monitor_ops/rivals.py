"""The champion beside other versions on the very rows that it has scored: a shadow as a job, needing no service.

All score the same rows, so what they differ in is the model. A row that a version has learned from is not held against
the champion: it judges neither.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from include.classification import Classification
from include.data.sources import DAY
from include.deployment.entries import KeyState
from include.models import artifact, registry
from include.models.comparison import compare
from include.models.evaluations import WindowEvaluation
from include.models.metrics import all_metrics, estimate, resamples
from include.naming import DEFAULT_KEY
from include.records import Comparison, ModelRef

_FEWEST = 100  # rows, and of these of either outcome a tenth


@dataclass(frozen=True)
class Rival:
    """Another version on rows that the champion has scored.

    Args:
        ref: The version.
        comparison: The champion against it; a positive difference favours the champion.
        showed: What it would have answered, judged by the labels.
    """

    ref: ModelRef
    comparison: Comparison
    showed: WindowEvaluation


def beside(spec: Classification, others: Sequence[ModelRef], rows: pd.DataFrame) -> list[Rival]:
    """Compare the champion with other versions, each on the rows that it has not learned from.

    Args:
        spec: The use case.
        others: The versions.
        rows: Rows that the champion scored and whose truth is known: ``day``, the raw columns, ``score``, the target.

    Returns:
        The versions with rows enough.
    """
    found = []
    for other in others:
        fresh = rows.loc[rows[DAY] > registry.classification_of(other).snapshot.last_day]
        y = fresh[spec.contract.target].to_numpy(dtype=float)
        if len(fresh) < _FEWEST or not _FEWEST / 10 <= y.sum() <= len(fresh) - _FEWEST / 10:
            continue
        scores, weights = artifact.load(other).score(fresh), resamples(len(fresh), spec.seed)
        mine = fresh["score"].to_numpy(dtype=float)
        against = compare(spec, y, mine, scores, weights, f"v{other.version}")
        metric = all_metrics(spec.costs, 0.5)[spec.primary_metric]
        showed = WindowEvaluation(
            source="replay", first_day=fresh[DAY].min(), last_day=fresh[DAY].max(), rows=len(fresh),
            metrics={spec.primary_metric: estimate(metric(y, scores, weights), spec.gates.confidence)},
        )  # fmt: skip
        found.append(Rival(other, against, showed))
    return found


def rivals_of(spec: Classification, now: KeyState, as_of: dt.date) -> list[ModelRef]:
    """Return the versions that are worth comparing: the champion before, those that wait, and the newest candidate."""
    newest = registry.newest(spec, as_of, key=DEFAULT_KEY)
    named = (now.previous, now.challenger, now.shadow, newest)
    decides = now.decides
    return list({each.version: each for each in named if each is not None and each != decides}.values())
