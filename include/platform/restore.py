"""A back-up into an empty deployment: checked to the last byte before the first is written, and proved at the end.

What is named is written before what names it, so the journal comes last but for Airflow's runs: whoever follows it has
all that it speaks of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from include.deployment.entries import State
from include.deployment.journal import Journal
from include.errors import ArtifactError, BackupError
from include.models.registry import files_of
from include.platform import manifest as manifests
from include.platform.backup import AIRFLOW, ARTIFACTS, DATA, JOURNAL, MLFLOW, Place
from include.platform.copies import folder_of, give, megabytes
from include.platform.databases import database
from include.platform.lent import lent
from include.platform.manifest import File, Manifest
from include.platform.stores import LOOPBACK, free_ports, mlflow_program
from include.records import ModelRef
from include.settings import settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class Proof:
    """What was found whole after a restore.

    Args:
        entries: Entries of all journals, each signed and linked, their heads as in the manifest.
        models: Versions that the journals' newest states name, each with the files that its entry names.
    """

    entries: int
    models: int


def restore(place: Place, folder: Path, *, dry_run: bool = False, say: Say = print) -> Proof | None:
    """Write a back-up into a deployment that holds nothing, and prove that it is whole there; none for a dry run.

    Args:
        place: The deployment: S3 runs, MLflow and Airflow do not.
        folder: The back-up.
        dry_run: Check all, say what would be written, and write nothing.
        say: Where progress goes.

    Raises:
        BackupError: the back-up is not whole or not this deployment's, the deployment is not empty, or what was
            written does not verify.
        TransientError: a service is away; what was written by then has to be removed.
    """
    manifest = manifests.read(folder)
    _fits(place, manifest)
    _empty(place)
    say(f"· checking {len(manifest.files):,} files, {megabytes(manifest.size)}, of {manifest.ended:%Y-%m-%d %H:%M} UTC")
    manifests.check(folder, manifest)
    if dry_run:
        _tell(place, manifest, say)
        return None
    _write(place, manifest, folder, say)
    _counted(place, manifest)
    return _prove(place, manifest, say)


def _fits(place: Place, manifest: Manifest) -> None:
    """Check that the back-up is of a deployment like this one."""
    pairs = [(name, version, manifest.versions.get(name, "none")) for name, version in manifests.versions().items()]
    pairs += [
        (f"database {name}", place_kind, manifest.databases[name].kind)
        for name, url in place.databases.items()
        if (place_kind := database(url).kind)
    ]
    pairs.append(("FLIGHTDECK_REPLAY_START", str(settings().replay_start), str(manifest.replay_start)))
    for name, here, there in pairs:
        if here != there:
            raise BackupError(
                expected=f"{name} {there}, as where the back-up was made",
                seen=here,
                where=name,
                next_step="restore with the version and the settings that made it; upgrade afterwards",
            )


def _empty(place: Place) -> None:
    """Check that nothing is there, and name whatever is."""
    held = [
        f"bucket {place.buckets[name]}: {count:,} objects"
        for name in place.buckets
        if (count := len(place.store(name).list_from("")))
    ]
    for name, url in place.databases.items():
        if (found := database(url).counts()).tables:
            held.append(f"database {name}: {found.tables} tables, {found.rows:,} rows")
    if held:
        raise BackupError(
            expected="an empty deployment",
            seen="; ".join(held),
            where="restore",
            next_step="restore into a new one, or remove what this one holds; nothing was written",
        )


def _tell(place: Place, manifest: Manifest, say: Say) -> None:
    for name, count in manifest.buckets.items():
        say(f"would write {count:,} objects into bucket {place.buckets[name]}")
    for name, dump in manifest.databases.items():
        say(f"would fill database {name} with {dump.tables} tables, {dump.rows:,} rows")
    for name, head in manifest.journals.items():
        say(f"would bring back the journal {name} up to entry {head.sequence}, {head.hash[:16]}")


def _write(place: Place, manifest: Manifest, folder: Path, say: Say) -> None:
    journals = folder_of(DATA) + JOURNAL
    for name in (ARTIFACTS, DATA):
        say(f"· bucket {place.buckets[name]}")
        _give(place, name, manifest, folder, say, lambda path: not path.startswith(journals))
    _fill(place, MLFLOW, folder, say)
    say("· journals")
    _give(place, DATA, manifest, folder, say, lambda path: path.startswith(journals))
    _fill(place, AIRFLOW, folder, say)


def _give(place: Place, name: str, manifest: Manifest, folder: Path, say: Say, wanted: Callable[[str], bool]) -> None:
    files: dict[str, File] = {
        path: file for path, file in manifest.files.items() if path.startswith(folder_of(name)) and wanted(path)
    }
    give(place.store(name), name, files, folder, say)


def _fill(place: Place, name: str, folder: Path, say: Say) -> None:
    say(f"· database {name}")
    to = database(place.databases[name])
    to.fill(folder / "databases" / f"{name}.{to.suffix}")


def _counted(place: Place, manifest: Manifest) -> None:
    """Check that the stores have what was written, and nothing else."""
    for name in place.buckets:
        begin = folder_of(name)
        wanted = {
            path.removeprefix(begin): file.size for path, file in manifest.files.items() if path.startswith(begin)
        }
        seen = place.store(name).sizes()
        if wrong := sorted(key for key in {*wanted, *seen} if wanted.get(key) != seen.get(key)):
            raise _unproved(f"bucket {place.buckets[name]}", "the objects of the back-up", f"others: {wrong[:3]}")
    for name, dump in manifest.databases.items():
        if (found := database(place.databases[name]).counts()) != dump:
            raise _unproved(f"database {name}", f"{dump}", f"{found}")


def _prove(place: Place, manifest: Manifest, say: Say) -> Proof:
    """Walk every journal as `./flightdeck verify` does, and load what each names from the registry."""
    say("· starting MLflow on what was written, to verify journals and models")
    entries, models = 0, set[ModelRef]()
    with _mlflow(place):
        for name, head in manifest.journals.items():
            tenant, _, use_case = name.partition("/")
            with _environment(FLIGHTDECK_TENANT=tenant):
                found = Journal(use_case).verify()
                if not found.ok or found.head is None:
                    raise _unproved(f"journal {name}", "a chain that verifies", "; ".join(found.problems) or "no entry")
                if (found.head.sequence, found.head.hash) != (head.sequence, head.hash):
                    raise _unproved(f"journal {name}", f"head {head}", f"{found.head.sequence}, {found.head.hash}")
                for ref in _named(found.head.state) - models:
                    _whole(ref, name)
                    models.add(ref)
                say(f"  {name}: {found.entries} entries, head {head.sequence}, {head.hash[:16]}")
            entries += found.entries
    return Proof(entries, len(models))


def _named(state: State) -> set[ModelRef]:
    """Return the models that a state names: what may be asked, and what a rollback brings back."""
    named = {ref for key in state.keys.values() for ref in (*key.models, key.previous)}
    return {ref for ref in named if ref is not None}


def _whole(ref: ModelRef, journal: str) -> None:
    try:
        with files_of(ref):
            pass
    except ArtifactError as error:
        raise _unproved(
            f"model {ref.name} v{ref.version}", f"the files that journal {journal} names", str(error)
        ) from error


@contextmanager
def _mlflow(place: Place) -> Iterator[None]:
    """Run MLflow on the restored registry, for this process alone."""
    config, (port,) = settings(), free_ports(1)
    program = mlflow_program(
        port=port, database=place.databases[MLFLOW], s3_url=config.s3_endpoint, access_key=config.s3_access_key,
        secret_key=config.s3_secret_key.get_secret_value(), bucket=place.buckets[ARTIFACTS],
    )  # fmt: skip
    url = f"http://{LOOPBACK}:{port}"
    with lent(program, f"{url}/health"), _environment(MLFLOW_TRACKING_URI=url):
        yield


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        settings.cache_clear()


def _unproved(where: str, expected: str, seen: str) -> BackupError:
    return BackupError(
        expected=expected,
        seen=seen,
        where=where,
        next_step="do not use this deployment; remove what was written, and restore an older back-up",
    )
