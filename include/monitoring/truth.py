"""Labels join predictions by their identifier, whenever they come; what does not fit is set aside with the reason.

Nothing is stored: the same tables give the same answer, so a label that comes late, twice or corrected changes what is
known and nothing else.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from include.data.sources import AVAILABLE_AT, DAY

UNKNOWN, DOUBLE, CONTRADICTING, TOO_OLD = "no prediction", "given twice", "contradicting", "older than is kept"


@dataclass(frozen=True)
class JoinedTruth:
    """Predictions whose truth is known, and what was left over.

    Args:
        rows: Predictions with their target and the moment it became known; one row a prediction and version.
        waiting: Predictions whose truth is not known yet; those older than is kept wait for nothing.
        aside: Labels that count for nothing, by reason; a label that was given twice counts once.
        examples: Identifiers of some of them, by reason.
    """

    rows: pd.DataFrame
    waiting: int
    aside: dict[str, int]
    examples: dict[str, tuple[str, ...]]

    @property
    def said(self) -> list[str]:
        """Return a sentence for each reason for which labels were left over."""
        return [
            f"{count} labels: {reason} (e.g. {', '.join(self.examples[reason])})"
            for reason, count in self.aside.items()
        ]


def join(
    predictions: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    key: str,
    target: str,
    known_at: dt.datetime,
    oldest: dt.date | None = None,
) -> JoinedTruth:
    """Join labels to predictions, as both were known at a moment.

    Args:
        predictions: ``day``, the key, and what was predicted; a row for each version that scored it.
        truth: ``day``, the key, the target and ``available_at``; a correction is a further row that came later. Empty,
            even of columns, where there is no table yet.
        key: Column that identifies a case within its day.
        target: Column of the label.
        known_at: Labels that came later do not count.
        oldest: First day whose truth is kept; none for all.
    """
    same = [DAY, key, target, AVAILABLE_AT]
    truth = truth if len(truth.columns) else pd.DataFrame(columns=same)
    known = truth.loc[truth[AVAILABLE_AT] <= pd.Timestamp(known_at)]
    aside = {DOUBLE: known.loc[known.duplicated(same), key]}
    known = known.drop_duplicates(same)
    if oldest is not None:
        aside[TOO_OLD] = known.loc[known[DAY] < oldest, key]
        known = known.loc[known[DAY] >= oldest]
        predictions = predictions.loc[predictions[DAY] >= oldest]
    newest = known.groupby([DAY, key])[AVAILABLE_AT].transform("max") if len(known) else known[AVAILABLE_AT]
    known = known.loc[known[AVAILABLE_AT] == newest]
    contradicting = known.duplicated([DAY, key], keep=False)
    aside[CONTRADICTING] = known.loc[contradicting, key].drop_duplicates()
    known = known.loc[~contradicting]
    cases = predictions[[DAY, key]].drop_duplicates()
    there = known[[DAY, key]].merge(cases, how="left", on=[DAY, key], indicator=True)["_merge"] == "both"
    aside[UNKNOWN] = known.loc[~there.to_numpy(), key]
    rows = predictions.merge(known[same], how="inner", on=[DAY, key])
    found = {reason: labels for reason, labels in aside.items() if len(labels)}
    return JoinedTruth(
        rows=rows,
        waiting=len(cases) - len(rows[[DAY, key]].drop_duplicates()),
        aside={reason: len(labels) for reason, labels in found.items()},
        examples={reason: tuple(map(str, labels.head(3))) for reason, labels in found.items()},
    )
