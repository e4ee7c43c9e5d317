"""What `backup` and `restore` do: on the embedded platform, in a container, or on a deployment anywhere else.

Elsewhere the two databases are given as URLs, and all else is read from the environment as every service reads it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from include.errors import BackupError, PermanentError
from include.platform import components, processes
from include.platform.backup import AIRFLOW, ARTIFACTS, DATA, MLFLOW, Place, backup
from include.platform.bootstrap import NotReadyError, alone
from include.platform.copies import megabytes
from include.platform.embedded import Platform
from include.platform.lent import lent
from include.platform.restore import restore
from include.platform.stores import S3_PORTS
from include.settings import settings

Say = Callable[[str], None]
_BUCKET_SECONDS = 30


def back_up(given: argparse.Namespace, where: Platform | Mapping[str, str], *, say: Say = print) -> int:
    """Make a back-up, and return the exit code.

    Args:
        given: The command line of ``backup``.
        where: The embedded platform, or the URLs of the databases by name; what the command line names comes first.
        say: Where progress goes.
    """
    began, folder = time.monotonic(), _folder(given.folder)
    place = _elsewhere(given) or _place(given, where)
    made = backup(place, folder, say=say)
    objects = sum(made.buckets.values())
    say(
        f"{folder}: {objects:,} objects, databases: {len(made.databases)}, journals: {len(made.journals)}, "
        f"{megabytes(made.size)}, in {time.monotonic() - began:.0f} s. The secrets are not in it: docs/backup.md"
    )
    return 0


def bring_back(given: argparse.Namespace, where: Platform | Mapping[str, str], *, say: Say = print) -> int:
    """Restore a back-up, and return the exit code; the arguments are those of ``back_up``."""
    began, folder = time.monotonic(), _folder(given.folder)
    if place := _elsewhere(given):
        proof = restore(place, folder, dry_run=given.dry_run, say=say)
    elif isinstance(where, Platform):
        with _s3(where, given.ports, say):
            _until_buckets(place := _place(given, where))
            proof = restore(place, folder, dry_run=given.dry_run, say=say)
        if proof:
            where.migrated.touch()
    else:
        proof = restore(_place(given, where), folder, dry_run=given.dry_run, say=say)
    if proof:
        say(
            f"restored in {time.monotonic() - began:.0f} s: {proof.entries} entries verify, and {proof.models} models "
            "have the files that the journals name. Start the platform now"
        )
    else:
        say("nothing was written")
    return 0


def _folder(given: str) -> Path:
    return Path(os.environ.get("FLIGHTDECK_CALLED_FROM", ""), given).resolve()


def _elsewhere(given: argparse.Namespace) -> Place | None:
    urls = {AIRFLOW: given.airflow_database, MLFLOW: given.mlflow_database}
    if not any(urls.values()):
        return None
    if missing := [name for name, url in urls.items() if not url]:
        raise PermanentError(
            expected="the URLs of both databases, or of none",
            seen=f"none of {missing[0]}",
            where="command line",
            next_step="give --airflow-database and --mlflow-database",
        )
    return _of(given, urls)


def _place(given: argparse.Namespace, where: Platform | Mapping[str, str]) -> Place:
    if not isinstance(where, Platform):
        return _of(given, where)
    where.enter()
    state, home = where.state, where.home.folder
    airflow = components.airflow_env(state, home, dag_folders=where.dag_folders)
    mlflow = next(each for each in components.stores(state, home) if each.name == "mlflow")
    return _of(
        given,
        {AIRFLOW: airflow["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], MLFLOW: mlflow.env["MLFLOW_BACKEND_STORE_URI"]},
    )


def _of(given: argparse.Namespace, urls: Mapping[str, str]) -> Place:
    return Place({DATA: settings().bucket, ARTIFACTS: given.mlflow_bucket}, urls)


@contextmanager
def _s3(platform: Platform, first_port: int | None, say: Say) -> Iterator[None]:
    """Run the embedded platform's S3 as long as the block needs it, with the secrets that were put in place."""
    home = platform.home
    with alone(home.folder / "lock", say):
        if (state := home.load()) is None:
            raise BackupError(
                expected="the secrets of the platform that was backed up",
                seen="no such file",
                where=str(home.file),
                next_step="copy the state.json that you keep apart from the back-up to this place, then repeat",
            )
        if processes.marked(home.folder):
            yield
            return
        state = state.model_copy(update={"started": {}, "first_port": first_port or state.first_port})
        if taken := [port for port in (state.ports[name] for name in S3_PORTS) if processes.listener(port)]:
            raise NotReadyError(
                f"Port {taken[0]} is in use by another program. Stop that, or choose others: "
                f"`--ports {state.first_port + 1000}`"
            )
        home.save(state)
        program = next(each for each in components.stores(state, home.folder) if each.name == "s3")
        with lent(program, components.health(state)["s3"], home=home.folder):
            yield


def _until_buckets(place: Place) -> None:
    """Wait until the buckets exist: the server is healthy a moment before it has made them."""
    deadline = time.monotonic() + _BUCKET_SECONDS
    while True:
        try:
            for name in place.buckets:
                place.store(name).list_from("none/")
            return
        except PermanentError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
