"""Land the datasets of a day: readings or events, checked, with the moment each became known, and never overwritten.

A source of datasets gives a frame for each dataset, with ``available_at``: what was known at an hour is then answered
by rows, also for days that were all landed today, and for a value that was corrected weeks later.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence

import pandas as pd

from include.data.contracts import check, whole
from include.data.ingest import IngestResult
from include.data.landing import QUARANTINE, land, newest_known, quarantine
from include.data.sources import AVAILABLE_AT, DAY, fetch_datasets
from include.data.tables import Table
from include.errors import ContractError, SourceError
from include.spec import Dataset, DatasetUseCase

_REFERENCE_DAYS = 7
_FAR = 3.0  # times the usual change from day to day
_CLOSER = 3.0  # times as near to what is usual, read in another unit


def ingest_readings(spec: DatasetUseCase, *, first_day: dt.date, last_day: dt.date, run: str) -> IngestResult:
    """Fetch, check and land the datasets of some days; repeated, it adds only what differs.

    Raises:
        ContractError: a day breaks a batch rule, or was sent in another unit; nothing of the range was written.
        SourceError: the source has no such day.
        TransientError: the store is away; run it again.
    """
    days = [first_day + dt.timedelta(days=step) for step in range((last_day - first_day).days + 1)]
    if not (days := [day for day in days if day not in spec.closed]):
        newest = [Table(spec.name, dataset.table).version() for dataset in spec.datasets]
        return IngestResult(0, 0, newest[0], newest[-1], hashlib.sha256().hexdigest())
    given = {day: fetch_datasets(spec, day) for day in days}
    good: dict[str, pd.DataFrame] = {}
    broken: list[tuple[Dataset, pd.DataFrame]] = []
    for dataset in spec.datasets:
        kept, bad = _checked(spec, dataset, {day: given[day][dataset.table] for day in days})
        _same_unit(spec, dataset, kept)
        good[dataset.table] = kept
        broken.append((dataset, bad))
    versions = {
        dataset.table: land(
            spec.name, dataset.table, good[dataset.table], keys=dataset.contract.keys, run=run
        )
        for dataset in spec.datasets
    }  # fmt: skip
    for dataset, bad in broken:
        quarantine(spec.name, bad, columns=_columns(dataset), run=run)
    first = spec.datasets[0].table
    digest = hashlib.sha256()
    for table in sorted(good):
        digest.update(pd.util.hash_pandas_object(good[table].astype({DAY: "str"}), index=False).to_numpy().tobytes())
    rows, out = sum(map(len, good.values())), sum(len(bad) for _, bad in broken)
    return IngestResult(rows, out, versions[first], versions[spec.datasets[-1].table], digest.hexdigest())


def known_readings(
    spec: DatasetUseCase,
    dataset: Dataset,
    *,
    first_day: dt.date,
    known_at: dt.datetime | None,
    last_day: dt.date | None = None,
    version: int | None = None,
) -> pd.DataFrame:
    """Return a dataset's readings from a day on, as they were known at a moment; of a corrected one the newest."""
    rows = Table(spec.name, dataset.table).read(first_day=first_day, last_day=last_day, version=version)
    return newest_known(rows, dataset.contract.keys, known_at)


def quarantined(spec: DatasetUseCase) -> int:
    """Return how many readings broke a rule."""
    table = Table(spec.name, QUARANTINE)
    return len(table.read(columns=[DAY])) if table.exists() else 0


def _columns(dataset: Dataset) -> list[str]:
    return [column.name for column in dataset.contract.columns]


def _checked(
    spec: DatasetUseCase, dataset: Dataset, frames: Mapping[dt.date, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that keep the contract and those that do not, each with its day."""
    columns, parts, known = _columns(dataset), [], []
    for day, frame in frames.items():
        where = f"{spec.name} {dataset.table} of {day}"
        if AVAILABLE_AT not in frame:
            raise SourceError(
                expected=f"a column {AVAILABLE_AT}", seen=str(list(frame.columns)), where=where,
                next_step="let the source say when each reading became known",
            )  # fmt: skip
        parts.append(whole(dataset.contract, frame.drop(columns=AVAILABLE_AT), columns=columns, where=where))
        known.append(frame[AVAILABLE_AT])
    days = pd.Series([day for (day, part) in zip(frames, parts, strict=True) for _ in range(len(part))])
    every, moments = pd.concat(parts, ignore_index=True), pd.concat(known, ignore_index=True)
    checked = check(dataset.contract, every, columns=columns, days=days, where=f"{spec.name} {dataset.table}")
    moments = moments.astype("datetime64[us, UTC]")
    good = checked.good.assign(**{DAY: days[checked.good.index], AVAILABLE_AT: moments[checked.good.index]})
    return good, checked.broken.assign(**{DAY: days[checked.broken.index]})


def _same_unit(spec: DatasetUseCase, dataset: Dataset, rows: pd.DataFrame) -> None:
    """Stop a day that is far from the week before it, and near to it when read in another unit.

    A series that really jumps is far in every unit, and passes.
    """
    if not dataset.mistaken_units:
        return
    first = rows[DAY].min()
    before = known_readings(
        spec, dataset, first_day=first - dt.timedelta(days=_REFERENCE_DAYS), last_day=first - dt.timedelta(days=1),
        known_at=None,
    )  # fmt: skip
    if before.empty:
        return
    usual = before.groupby([dataset.series, DAY])[dataset.value].median().unstack(dataset.series)
    reference, change = usual.median(), usual.diff().abs().median()
    now = rows.loc[rows[DAY] == first].groupby(dataset.series)[dataset.value].median()
    off = (now - reference).abs()
    for unit in dataset.mistaken_units:
        meant = (now * unit.scale + unit.offset - reference).abs()
        wrong = (off > _FAR * change) & (off > 0.3 * reference.abs()) & (meant < off / _CLOSER)
        if wrong.any():
            name = off[wrong].idxmax()
            raise _unit(spec, dataset, first, str(name), unit.name, float(now[name]), float(reference[name]), wrong)


def _unit(
    spec: DatasetUseCase,
    dataset: Dataset,
    day: dt.date,
    series: str,
    unit: str,
    now: float,
    usual: float,
    wrong: Sequence[bool],
) -> ContractError:
    return ContractError(
        expected=f"{dataset.value} of {dataset.series} {series} near {usual:g}, the median of the week before",
        seen=f"a median of {now:g}, which fits {unit}; {sum(wrong)} series are so",
        where=f"{spec.name} {dataset.table} of {day}, check unit",
        next_step="nothing was written; have the day sent again in the right unit",
    )
