"""What must hold of a use case whatever has died meanwhile: no row lost or doubled, no promotion half done or twice.

Asked when nothing runs, for what is under way is not done yet. It reads all of the tables, the journal and the
registry, and asks the source again for each landed day; it changes nothing. A source that tells a day otherwise by now
is a finding as well: what has landed is then not what it delivers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping

import pandas as pd

from include.classification import Classification
from include.data.ingest import ROWS, TRUTH
from include.data.landing import QUARANTINE, newest_known
from include.data.sources import AVAILABLE_AT, DAY, Batch, fetch, fetch_datasets
from include.data.tables import Table
from include.deployment.entries import Entry, State
from include.deployment.journal import Journal
from include.deployment.promotion import ALIAS
from include.errors import ArtifactError, JournalError
from include.models import registry, tracking
from include.naming import DEFAULT_KEY, model_name
from include.serving.batch import PREDICTIONS, pending
from include.serving.shipping import REQUESTS
from include.spec import DatasetUseCase, UseCase


def findings(spec: UseCase, *, days: Collection[dt.date] = ()) -> list[str]:
    """Return in sentences what does not hold, nothing where all is sound.

    Args:
        spec: The use case.
        days: Days that must have landed.

    Raises:
        TransientError: a service is away.
        SourceError: a table is broken, or the source has a landed day no more.
    """
    found = [*_landed(spec, days), *_journal(spec), *_versions(spec), *_open_runs(spec), *_requests(spec)]
    return [*found, *_predictions(spec)] if isinstance(spec, Classification) else found


def _landed(spec: UseCase, wanted: Collection[dt.date]) -> Iterator[str]:
    """Compare what has landed with what the source delivers, and look for what has landed twice."""
    tables = {name: Table(spec.name, name).read() for name in _row_tables(spec)}
    refused = _by_day(Table(spec.name, QUARANTINE).read(columns=[DAY]))
    there = sorted({day for rows in tables.values() if len(rows) for day in rows[DAY]} | set(refused.index))
    for day in sorted(set(wanted) - set(there)):
        yield f"{day}: nothing has landed"
    delivered = {day: _delivery(spec, day) for day in there}
    accepted = pd.Series(dtype="int64")
    for name, rows in tables.items():
        keys = _keys(spec, name)
        yield from _doubled(name, rows, keys)
        accepted = accepted.add(_by_day(newest_known(rows, keys)), fill_value=0)
    for day in there:
        kept, out, sent = int(accepted.get(day, 0)), int(refused.get(day, 0)), sum(map(len, delivered[day].values()))
        if kept + out != sent:
            yield f"{day}: {kept} rows accepted and {out} in quarantine, but the source delivers {sent}"
    if isinstance(spec, Classification):
        yield from _truth(spec, there)


def _truth(spec: Classification, landed: list[dt.date]) -> Iterator[str]:
    """Compare the truth that is due with what is stored."""
    stored = Table(spec.name, TRUTH).read()
    yield from _doubled(TRUTH, stored, spec.contract.keys)
    known = _by_day(newest_known(stored, spec.contract.keys))
    for day in landed:
        if day <= spec.matured_until(landed[-1]) and (seen := int(known.get(day, 0))) != len(_batch(spec, day).truth):
            yield f"{day}: the truth of {seen} rows is stored, but that of {len(_batch(spec, day).truth)} is due"


def _doubled(table: str, rows: pd.DataFrame, keys: list[str]) -> Iterator[str]:
    """Name the days on which a row stands twice, or once more with nothing that is new."""
    if rows.empty:
        return
    ordered = rows.sort_values([DAY, *keys, AVAILABLE_AT], kind="stable").reset_index(drop=True)
    told = ordered.drop(columns=AVAILABLE_AT)
    before = told.shift()
    same = ((told == before) | (told.isna() & before.isna())).all(axis=1)
    twice = same | ordered.duplicated([DAY, *keys, AVAILABLE_AT])
    for day, count in _by_day(ordered.loc[twice]).items():
        yield f"{day}: {count} rows of {table} are doubled"


def _journal(spec: UseCase) -> Iterator[str]:
    """Walk the chain, and compare what it says with what MLflow shows."""
    journal = Journal(spec.name)
    verified = journal.verify()
    yield from verified.problems
    if not verified.ok:
        return
    entries = journal.entries()
    yield from _promoted_twice(entries)
    state = entries[-1].state if entries else State()
    for key in sorted({*spec.keys, *state.keys}):
        name, champion = model_name(spec.name, key), state.of(key).champion
        wanted, shown = champion.version if champion else None, registry.alias(name, ALIAS)
        if wanted != shown:
            yield f"{key}: the journal's champion is {_version(wanted)}, the registry's alias is at {_version(shown)}"
        if champion is not None:
            try:
                known = registry.model_ref(name, champion.version)
            except ArtifactError as error:
                yield str(error)
            else:
                if known != champion:
                    yield f"{key}: v{champion.version} is not the one in the registry that was promoted"
    head, anchor = (entries[-1].sequence if entries else 0), journal.anchor()
    if head != (anchor.sequence if anchor else 0):
        yield f"the journal ends at entry {head}, MLflow's tag is at {anchor.sequence if anchor else 'none'}"


def _promoted_twice(entries: list[Entry]) -> Iterator[str]:
    """Name versions that were promoted while they had been promoted already, and changes that were made twice."""
    reigned: set[tuple[str, int]] = set()
    requests: dict[str, int] = {}
    before = State()
    for entry in entries:
        if (first := requests.setdefault(entry.request_id, entry.sequence)) != entry.sequence:
            yield f"entry {entry.sequence} repeats the request of entry {first}"
        keys = {*before.keys, *entry.state.keys}
        moved = {key: now for key in sorted(keys) if (now := entry.state.of(key)) != before.of(key)}
        if entry.action == "promote":
            if not moved:
                yield f"entry {entry.sequence} promotes nothing"
            for key, now in moved.items():
                if now.champion is not None and (key, now.champion.version) in reigned:
                    yield f"entry {entry.sequence} promotes v{now.champion.version} of {key} a second time"
        for key in moved:
            old, new = before.of(key).champion, entry.state.of(key).champion
            if entry.action == "promote" and new is not None:
                reigned.add((key, new.version))
            elif old is not None and old != new:
                reigned.discard((key, old.version))  # it was taken back, and may come again
        before = entry.state


def _versions(spec: UseCase) -> Iterator[str]:
    """Name trainings that have registered more than one version of a key."""
    for key, trained in registry.trainings(spec).items():
        made: dict[str, list[int]] = {}
        for each in trained:
            made.setdefault(each.pipeline_run, []).append(each.version)
        for run, versions in made.items():
            if len(versions) > 1:
                yield f"{run} has registered {', '.join(map(_version, sorted(versions)))} of {key}"


def _open_runs(spec: UseCase) -> Iterator[str]:
    """Name the runs that nobody has ended."""
    for run in tracking.runs_of(spec.name, "attributes.status = 'RUNNING'"):
        of = run.data.tags.get(tracking.PIPELINE_RUN, "nobody")
        yield f"MLflow run {run.info.run_id} '{run.info.run_name}' of {of} is still open"


def _requests(spec: UseCase) -> Iterator[str]:
    """Name days on which a line of the scoring service's log has arrived twice."""
    shipped = Table(spec.name, REQUESTS).read(columns=[DAY, "writer", "segment", "offset"])
    for day, count in _by_day(shipped.loc[shipped.duplicated(["writer", "segment", "offset"])]).items():
        yield f"{day}: {count} answers of the scoring service are doubled"


def _predictions(spec: Classification) -> Iterator[str]:
    """Compare what was scored with what has landed: each row of a day once by each version, and no day forgotten."""
    key, table = spec.contract.key, Table(spec.name, ROWS)
    scored = Table(spec.name, PREDICTIONS).read(columns=[DAY, key, "model_version"])
    for day, count in _by_day(scored.loc[scored.duplicated([DAY, key, "model_version"])]).items():
        yield f"{day}: {count} predictions are doubled"
    rows = newest_known(table.read(columns=[DAY, key, AVAILABLE_AT]), [key])
    for (day, version), ids in scored.groupby([DAY, "model_version"])[key] if len(scored) else ():
        if lost := len(set(rows.loc[rows[DAY] == day, key]) ^ set(ids)):
            yield f"{day}: v{version} has scored {lost} rows too few or too many"
    try:
        now = Journal(spec.name).state().of(DEFAULT_KEY)
    except JournalError:
        return  # it is among the findings, and says nothing about a champion
    if (champion := now.decides) is None or not now.switch_on or rows.empty:
        return
    for day in pending(spec, registry.classification_of(champion), champion, rows[DAY].max()):
        yield f"{day}: has landed, and its champion v{champion.version} has not scored it"


def _row_tables(spec: UseCase) -> tuple[str, ...]:
    return spec.tables if isinstance(spec, DatasetUseCase) else (ROWS,)


def _keys(spec: UseCase, table: str) -> list[str]:
    if isinstance(spec, DatasetUseCase):
        return spec.dataset(table).contract.keys
    assert isinstance(spec, Classification)  # noqa: S101 - there are no other kinds
    return spec.contract.keys


def _delivery(spec: UseCase, day: dt.date) -> Mapping[str, pd.DataFrame]:
    if isinstance(spec, DatasetUseCase):
        given = fetch_datasets(spec, day)
        return {name: given[name] for name in spec.tables}
    return {ROWS: _batch(spec, day).rows}


def _batch(spec: UseCase, day: dt.date) -> Batch:
    return fetch(spec, day)


def _by_day(rows: pd.DataFrame) -> pd.Series:
    """Return the number of rows by day, in order."""
    return rows[DAY].value_counts().sort_index() if len(rows) else pd.Series(dtype="int64")


def _version(number: int | None) -> str:
    return "nothing" if number is None else f"v{number}"
