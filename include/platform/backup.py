"""A back-up of a deployment in use: journal, registry, tables, artifacts and metadata, as they fit each other.

Nothing is stopped. What names something is read before what it names, so whatever the back-up has, it also has what
that rests on: first Airflow's runs; then the tables whose rows name an entry of the journal; then how far each journal
goes; then the registry with its runs; then the entries, the tables that trainings have read, and the artifacts. Only
the registry and the journal name each other: a version is there before the entry that promotes it, an entry before the
tag that MLflow keeps of it. So the journal is cut at the later of two places, where it stood before the registry was
read, and the tag. All up to there rests on versions that the registry had.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from include.data.objects import ObjectStore
from include.deployment.chain import Link, descends, sequence_of, walk
from include.errors import BackupError, JournalError
from include.governance.signatures import digest
from include.naming import DEFAULT_KEY
from include.platform import manifest as manifests
from include.platform.copies import folder_of, megabytes, take
from include.platform.databases import Dumped, database
from include.platform.manifest import File, Head, Manifest
from include.platform.tables_copy import TableCopies
from include.settings import settings

Say = Callable[[str], None]
AIRFLOW, MLFLOW = "airflow", "mlflow"
DATA, ARTIFACTS = "flightdeck", "mlflow"
JOURNAL = "journal/"
_JOURNALS = re.compile(rf"({JOURNAL}[^/]+/[^/]+/)")


@dataclass(frozen=True)
class Place:
    """Where a deployment keeps its state; S3 and its keys are those of the settings.

    Args:
        buckets: The two buckets by their names in a back-up, ``DATA`` and ``ARTIFACTS``.
        databases: URLs of the two databases, ``AIRFLOW`` and ``MLFLOW``.
    """

    buckets: Mapping[str, str]
    databases: Mapping[str, str]

    def store(self, name: str) -> ObjectStore:
        """Return a bucket by its name in a back-up."""
        return ObjectStore(self.buckets[name])


def backup(place: Place, folder: Path, *, say: Say = print) -> Manifest:
    """Write a back-up into a new folder; without a manifest in it, it is none.

    Args:
        place: The deployment; it may be in use.
        folder: A folder that does not exist yet, or is empty.
        say: Where progress goes.

    Raises:
        BackupError: the folder has something in it, a journal does not verify, or what is there cannot be copied.
        TransientError: a service is away.
    """
    began = dt.datetime.now(dt.UTC)
    _make(folder)
    data = place.store(DATA)
    tables = TableCopies(data, DATA, folder, say)
    dumps = {AIRFLOW: _dump(place, AIRFLOW, folder, say)}
    say("· the tables that name entries of the journal")
    tables.before_journal()
    reached = {prefix: max(map(_number, keys)) for prefix, keys in _journals(data).items()}
    dumps[MLFLOW] = _dump(place, MLFLOW, folder, say)
    files, heads = _copy_journals(data, folder, reached, dumps[MLFLOW].heads, say)
    say("· tables")
    tables.after_registry()
    files |= tables.files
    for name in (DATA, ARTIFACTS):
        say(f"· objects of {name}")
        keys = place.store(name).list_from("")
        if name == DATA:  # what has come since into a journal, or as a table, is left to the next back-up
            begins = tuple(f"{table}/" for table in tables.known())
            keys = [key for key in keys if not _JOURNALS.match(key) and not key.startswith(begins)]
        taken, gone = take(place.store(name), name, keys, folder, say)
        files |= taken
        if gone:
            say(f"  {gone} were removed before they could be copied, and are left out")
    names = {name: _file(place, name) for name in dumps}
    files |= manifests.listed(folder, names.values())
    made = Manifest(
        began=began, ended=dt.datetime.now(dt.UTC), versions=manifests.versions(),
        replay_start=settings().replay_start, databases={name: each.dump for name, each in dumps.items()},
        buckets={name: sum(path.startswith(folder_of(name)) for path in files) for name in place.buckets},
        journals=heads, files=files,
    )  # fmt: skip
    manifests.write(folder, made)
    return made


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if count := sum(1 for _ in folder.iterdir()):
        whole = (folder / manifests.NAME).exists()
        raise BackupError(
            expected="an empty folder, or none",
            seen=f"{count} files and folders, {'a back-up' if whole else 'no whole back-up'}",
            where=str(folder),
            next_step="name another folder; each back-up has its own",
        )
    folder.chmod(0o700)  # the dumps have what people have entered


def _dump(place: Place, name: str, folder: Path, say: Say) -> Dumped:
    say(f"· database {name}")
    path = folder / _file(place, name)
    path.parent.mkdir(exist_ok=True)
    made = database(place.databases[name]).dump(path)
    say(f"  {made.dump.tables} tables, {made.dump.rows:,} rows, {megabytes(path.stat().st_size)}")
    return made


def _file(place: Place, name: str) -> str:
    return f"databases/{name}.{database(place.databases[name]).suffix}"


def _journals(store: ObjectStore) -> dict[str, list[str]]:
    """Return the entries of each journal by its prefix."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in store.list_from(JOURNAL):
        if of := _JOURNALS.match(key):
            found[of[1]].append(key)
    return dict(found)


def _number(key: str) -> int:
    """Return an entry's sequence; 0 for what is no entry, so that the walk along the copy names it."""
    return sequence_of(f"{key.rpartition('/')[0]}/", key) or 0


def _copy_journals(
    store: ObjectStore, folder: Path, reached: Mapping[str, int], tags: Mapping[str, str], say: Say
) -> tuple[dict[str, File], dict[str, Head]]:
    """Copy each journal as far as the registry bears it out, and walk the copy.

    Args:
        store: The bucket.
        folder: The back-up's folder.
        reached: How far each went before the registry was read.
        tags: What the registry says of their heads, by model.
        say: Where progress goes.
    """
    say("· journals")
    anchors = {_prefix(model): Link(int(tag.partition(":")[0]), tag.partition(":")[2]) for model, tag in tags.items()}
    journals, files, heads = _journals(store), dict[str, File](), dict[str, Head]()
    for prefix in sorted({*journals, *anchors}):
        anchor = anchors.get(prefix)
        until = max(reached.get(prefix, 0), anchor.sequence if anchor else 0)
        keys = [key for key in journals.get(prefix, []) if _number(key) <= until]
        taken, _ = take(store, DATA, keys, folder, say)
        files |= taken
        if keys or anchor:
            tenant, use_case = prefix.removeprefix(JOURNAL).removesuffix("/").split("/")
            heads[f"{tenant}/{use_case}"] = _walked(folder, prefix, tenant, use_case, sorted(taken), anchor)
    say(f"  journals: {len(heads)}, entries: {len(files)}, each signed and linked")
    return files, heads


def _walked(folder: Path, prefix: str, tenant: str, use_case: str, paths: list[str], anchor: Link | None) -> Head:
    objects = [(path.removeprefix(folder_of(DATA)), (folder / path).read_bytes()) for path in paths]
    found = walk(prefix, use_case, tenant, objects)
    problem = "; ".join(found.problems)
    if not problem:
        try:
            descends([digest(body) for _, body in objects], anchor)
        except JournalError as error:
            problem = str(error)
    if problem or not objects:
        raise BackupError(
            expected="a journal that verifies: a back-up of another could not be restored", seen=problem or "no entry",
            where=prefix, next_step="keep the back-ups before, and find out who wrote to the bucket",
        )  # fmt: skip
    return Head(sequence=len(objects), hash=digest(objects[-1][1]))


def _prefix(model: str) -> str:
    """Return the prefix of the journal whose head a registered model carries."""
    tenant, _, use_case = model.removesuffix(f".{DEFAULT_KEY}").partition(".")
    return f"{JOURNAL}{tenant}/{use_case}/"
