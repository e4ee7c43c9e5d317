"""Land a range of days: rows, quarantine, and the truth that has become known. Repeating it changes nothing.

How a day that comes twice, late or corrected is kept is told in ``include.data.landing``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from include.classification import Classification
from include.clock import business_time
from include.data.contracts import check, counted, typed, whole
from include.data.landing import available, land, quarantine
from include.data.sources import DAY, Batch, fetch
from include.data.tables import Table
from include.errors import ContractError
from include.spec import Role

ROWS, TRUTH = "rows", "truth"
_HISTORY_DAYS = 3


@dataclass(frozen=True)
class IngestResult:
    """What a run has landed.

    Args:
        rows: Rows of the days that kept the contract, newly written or not.
        quarantined: Rows of the days that did not.
        rows_version: Version of the table of rows.
        truth_version: Version of the table of truth.
        digest: SHA-256 of the days' good rows.
    """

    rows: int
    quarantined: int
    rows_version: int
    truth_version: int
    digest: str


def ingest(spec: Classification, *, first_day: dt.date, last_day: dt.date, run: str) -> IngestResult:
    """Fetch, check and land the days from ``first_day`` to ``last_day``, and the truth known by then.

    Raises:
        ContractError: a batch rule is broken; nothing of the range was written.
        SourceError: the source has no such day.
        TransientError: the store is away; run it again.
    """
    days = [first_day + dt.timedelta(days=step) for step in range((last_day - first_day).days + 1)]
    where = f"{spec.name} {first_day}" if first_day == last_day else f"{spec.name} {first_day} to {last_day}"
    if not days:
        raise ContractError(
            expected="a first day that is not behind the last", seen=where, where="ingest", next_step="trigger again"
        )
    batches = {day: fetch(spec, day) for day in days}
    landed = Table(spec.name, ROWS).days()
    _fresh_enough(spec, days, landed, where)
    columns = row_columns(spec)
    parts = [whole(spec.contract, batches[day].rows, columns=columns, where=f"{spec.name} {day}") for day in days]
    dated = pd.Series([day for day, part in zip(days, parts, strict=True) for _ in range(len(part))])
    _volume(spec, batches, landed)
    checked = check(spec.contract, pd.concat(parts), columns=columns, days=dated, where=where)
    truth = _due_truth(spec, batches, landed)
    newest = max(landed, default=None)
    known_at = {day: business_time(day if newest is None or day > newest else newest) for day in days}
    good = checked.good.assign(**{DAY: dated[checked.good.index]})
    keys = spec.contract.keys
    rows_version = land(spec.name, ROWS, available(good, known_at), keys=keys, run=run)
    quarantine(spec.name, checked.broken.assign(**{DAY: dated[checked.broken.index]}), columns=columns, run=run)
    truth_version = land(spec.name, TRUTH, truth, keys=keys, run=run)
    digest = hashlib.sha256(pd.util.hash_pandas_object(checked.good, index=False).to_numpy().tobytes()).hexdigest()
    return IngestResult(len(good), len(checked.broken), rows_version, truth_version, digest)


def row_columns(spec: Classification) -> list[str]:
    """Return the columns that a delivery of rows has: all of the contract but the target."""
    return spec.contract.names(Role.IDENTIFIER, Role.PERSONAL, Role.PROTECTED, Role.FEATURE)


def _fresh_enough(spec: Classification, days: list[dt.date], landed: set[dt.date], where: str) -> None:
    limit = spec.contract.max_age_days
    if limit is not None and landed and (age := (max(landed) - days[0]).days) > limit:
        raise ContractError(
            expected=f"days at most {limit} days older than the newest",
            seen=f"{days[0]}, {age} days older than {max(landed)}",
            where=where,
            next_step="nothing was written; raise max_age_days in the spec if so late a delivery is right",
        )


def _volume(spec: Classification, batches: Mapping[dt.date, Batch], landed: set[dt.date]) -> None:
    """Compare each day's rows with the median of the newest stored days; a range that is the first has no history."""
    before = sorted(landed - set(batches))[-30:]
    if len(before) < _HISTORY_DAYS:
        return
    stored = Table(spec.name, ROWS).read(first_day=before[0], last_day=before[-1], columns=[DAY])
    median = stored[DAY].value_counts().median()
    low, high = spec.contract.volume_ratio
    for day, batch in batches.items():
        if not low * median <= len(batch.rows) <= high * median:
            raise ContractError(
                expected=f"{low * median:.0f} to {high * median:.0f} rows, {low:g} to {high:g} times the median",
                seen=f"{len(batch.rows)} rows",
                where=f"{spec.name} {day}, check volume",
                next_step="nothing was written; ask the source whether the day is whole, or widen volume_ratio",
            )


def _due_truth(spec: Classification, delivered: Mapping[dt.date, Batch], landed: set[dt.date]) -> pd.DataFrame:
    """Return the truth of every landed day whose delay has passed: of this range anew, of older days where it lacks."""
    delay, stored = dt.timedelta(days=spec.label_delay_days), Table(spec.name, TRUTH).days()
    known_days = landed | set(delivered)
    newest = max(known_days)
    due = {day for day in known_days if day + delay <= newest}
    wanted = sorted((due - stored) | {day for day in due if day + delay in delivered or day in delivered})
    truths = {day: (delivered[day] if day in delivered else fetch(spec, day)).truth for day in wanted}
    truth = _checked_truth(spec, truths)
    # A truth is known from its due day on; one that differs from what is stored is a correction, known only now.
    known_at = {day: business_time(max([day + delay, *landed]) if day in stored else day + delay) for day in wanted}
    return available(truth, known_at)


def _checked_truth(spec: Classification, truths: Mapping[dt.date, pd.DataFrame]) -> pd.DataFrame:
    """Return the days' truth with its types; what is wrong stops the run, for nobody would miss it in quarantine.

    Raises:
        ContractError: a column is missing, of another type, or has a value that the contract does not allow, or an
            identifier is there twice; nothing was written.
    """
    columns = [spec.contract.key, spec.contract.target]
    for day, truth in truths.items():
        where = f"{spec.name} truth of {day}"
        if missing := [name for name in columns if name not in truth.columns]:
            raise _truth_error(where, f"column {missing[0]}", "no such column")
        for name in columns if len(truth) else ():
            typed(spec.contract.column(name), truth[name], where)
    parts = [truth[columns].assign(**{DAY: day}) for day, truth in truths.items() if len(truth)]
    if not parts:
        return pd.DataFrame(columns=[*columns, DAY])
    every = pd.concat(parts, ignore_index=True)
    tolerant = spec.contract.model_copy(update={"max_quarantine_share": 1.0})
    checked = check(tolerant, every, columns=columns, days=every[DAY], where=f"{spec.name} truth")
    if len(checked.broken):
        days = every.loc[checked.broken.index, DAY]
        wrong = counted(spec.contract, checked.broken.loc[days == days.min()])
        raise _truth_error(f"{spec.name} truth of {days.min()}", "truth that keeps every rule", wrong)
    return checked.good.assign(**{DAY: every[DAY]})


def _truth_error(where: str, expected: str, seen: str) -> ContractError:
    next_step = "nothing was written; have the truth corrected at its source"
    return ContractError(expected=expected, seen=seen, where=where, next_step=next_step)
