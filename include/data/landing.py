"""Land rows in a table so that nothing is lost and nothing is double: only what differs from what is known is added.

A correction is a further row with a later ``available_at``, so the question "what was known when" is answered by rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from include.data.sources import AVAILABLE_AT, DAY
from include.data.tables import Table

QUARANTINE = "quarantine"
UNIQUE = "unique"  # the rule that a row breaks whose key its day has already


def newest_known(frame: pd.DataFrame, keys: Sequence[str], known_at: dt.datetime | None = None) -> pd.DataFrame:
    """Return one row for each day and identifier: the newest that was available at a moment, or at all."""
    if frame.empty:
        return frame
    if known_at is not None:
        frame = frame.loc[frame[AVAILABLE_AT] <= pd.Timestamp(known_at)]
    ordered = frame.sort_values([DAY, *keys, AVAILABLE_AT], kind="stable")
    return ordered.drop_duplicates([DAY, *keys], keep="last").reset_index(drop=True)


def available(rows: pd.DataFrame, known_at: Mapping[dt.date, dt.datetime]) -> pd.DataFrame:
    """Return rows with the moment at which their day became known."""
    return rows.assign(
        **{AVAILABLE_AT: pd.to_datetime(rows[DAY].map(known_at), utc=True).astype("datetime64[us, UTC]")}
    )


def land(use_case: str, table: str, delivered: pd.DataFrame, *, keys: Sequence[str], run: str) -> int:
    """Add what differs from what is known, in one commit, and return the version; nothing where nothing differs.

    Args:
        use_case: Name of the use case.
        table: Name of its table.
        delivered: Rows that kept their contract, with ``day`` and ``available_at``.
        keys: The columns that identify a row within its day.
        run: The pipeline run, kept with the commit.

    Raises:
        TransientError: the store is away; run it again.
    """

    def decide(present: pd.DataFrame) -> pd.DataFrame | None:
        if present.empty:
            return delivered
        known = newest_known(present, keys).drop(columns=AVAILABLE_AT)
        told = delivered.drop(columns=AVAILABLE_AT).merge(known, how="left", indicator=True)
        news = delivered.loc[(told["_merge"] == "left_only").to_numpy()]
        return None if news.empty else pd.concat([present, news], ignore_index=True)

    if delivered.empty:
        return Table(use_case, table).version()
    return Table(use_case, table).update(delivered[DAY].min(), delivered[DAY].max(), decide, run=run)


def quarantine(use_case: str, broken: pd.DataFrame, *, columns: Sequence[str], run: str) -> None:
    """Keep the rows that broke a rule, as they came, with the rule's name.

    Args:
        use_case: Name of the use case.
        broken: Rows with ``day``, and with ``rule``, ``column`` and ``value`` of the rule they broke.
        columns: The delivered columns, kept as one JSON text.
        run: The pipeline run, kept with each row.
    """
    found = broken[[DAY, "rule", "column", "value"]].astype({"rule": "str", "column": "str", "value": "str"})
    lines = [row.to_json(default_handler=str) for _, row in broken[list(columns)].iterrows()]
    found = found.assign(row=pd.Series(lines, index=found.index, dtype="str"))

    def decide(present: pd.DataFrame) -> pd.DataFrame | None:
        if present.empty:
            return found.assign(run=run)
        same = [DAY, "rule", "column", "value", "row"]
        told = found.merge(present[same].drop_duplicates(), how="left", indicator=True)
        news = found.loc[(told["_merge"] == "left_only").to_numpy()]
        return None if news.empty else pd.concat([present, news.assign(run=run)], ignore_index=True)

    if not found.empty:
        Table(use_case, QUARANTINE).update(found[DAY].min(), found[DAY].max(), decide, run=run)
