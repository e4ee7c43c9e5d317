"""The models that the service may be asked for, as files beside the workers, each under the digest the journal names.

What has not that digest is never put there, and what has lost it is brought again. Downloads run on threads of their
own: whoever follows a journal asks what is lacking and goes on, so that the off switch waits for no registry.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from include.errors import ArtifactError, FlightdeckError, TransientError
from include.models.folders import digest_of_folder
from include.records import ModelRef

_AT_ONCE = 2
_AGAIN_SECONDS = {TransientError: 2.0, ArtifactError: 15.0}
_KEPT_SECONDS = 600.0
_HALF = "."
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Failure:
    said: str
    again: float


def model_folder(home: Path, digest: str) -> Path:
    """Return the folder of a model's files."""
    return home / "models" / digest


class ModelCache:
    """The local models of one service; safe for the threads of one process."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "models"
        self.folder.mkdir(parents=True, exist_ok=True)
        for half in self.folder.glob(f"{_HALF}*"):  # of an earlier process that was killed
            shutil.rmtree(half)
        self._lock = threading.Lock()
        self._checked: dict[str, Stamp] = {}
        self._coming: set[str] = set()
        self._failed: dict[str, _Failure] = {}
        self._unnamed: dict[str, float] = {}
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def lack(self, ref: ModelRef) -> str:
        """Return why a model cannot be served yet, nothing where it can; what is lacking is being brought then."""
        if self._whole(ref.digest):
            return ""
        with self._lock:
            failure = self._failed.get(ref.digest)
            waits = failure is not None and time.monotonic() < failure.again
            if ref.digest not in self._coming and not waits:
                self._coming.add(ref.digest)
                threading.Thread(target=self._brought, args=(ref,), name=f"model {ref.digest[:8]}", daemon=True).start()
        return failure.said if failure else f"{ref.name} v{ref.version} is being brought"

    def keep(self, named: Collection[str]) -> list[str]:
        """Remove the models that nobody has named for ten minutes, and return their digests."""
        now, removed = time.monotonic(), []
        present = [each.name for each in self.folder.iterdir() if not each.name.startswith(_HALF)]
        self._unnamed = {each: self._unnamed.get(each, now) for each in present if each not in named}
        for digest in [each for each, since in self._unnamed.items() if now - since > _KEPT_SECONDS]:
            self._checked.pop(digest, None)
            self._discard(model_folder(self.home, digest))
            removed.append(digest)
        return removed

    def _whole(self, digest: str) -> bool:
        """Return whether the files are there as the journal names them; they are read again when they were touched."""
        folder = model_folder(self.home, digest)
        if not (stamp := _stamp(folder)):
            return False
        if self._checked.get(digest) != stamp:
            if digest_of_folder(folder) != digest:
                return False
            self._checked[digest] = stamp
        return True

    def _brought(self, ref: ModelRef) -> None:
        try:
            with self._places:
                self._bring(ref)
            failure = None
        except FlightdeckError as error:
            kind = TransientError if isinstance(error, TransientError) else ArtifactError
            failure = _Failure(str(error), time.monotonic() + _AGAIN_SECONDS[kind])
        except OSError as error:
            failure = _Failure(f"{ref.name} v{ref.version} cannot be kept: {error}", time.monotonic() + 2)
        with self._lock:
            self._coming.discard(ref.digest)
            self._failed.pop(ref.digest, None)
            if failure:
                self._failed[ref.digest] = failure

    def _bring(self, ref: ModelRef) -> None:
        # MLflow takes seconds to import; a service whose models are all here needs none of it to go on.
        from mlflow.exceptions import MlflowException

        from include.models.tracking import available, downloaded

        if not re.fullmatch(r"[0-9a-f]{64}", ref.digest):
            raise _not_the_model(ref, f"'{ref.digest}' as its digest")
        half = Path(tempfile.mkdtemp(prefix=_HALF, dir=self.folder))
        try:
            with available(f"bring {ref.name} v{ref.version}"):
                came = downloaded(f"models:/{ref.name}/{ref.version}", half)
            if (seen := digest_of_folder(came)) != ref.digest:
                raise _not_the_model(ref, f"digest {seen[:16]}")
            self._discard(model_folder(self.home, ref.digest))
            os.replace(came, model_folder(self.home, ref.digest))
        except MlflowException as error:
            raise _not_the_model(ref, str(error)) from error
        finally:
            shutil.rmtree(half, ignore_errors=True)

    def _discard(self, folder: Path) -> None:
        """Remove a folder in one step for all who look, if it is there."""
        if folder.exists():
            gone = Path(tempfile.mkdtemp(prefix=_HALF, dir=self.folder))
            os.replace(folder, gone / folder.name)
            shutil.rmtree(gone, ignore_errors=True)


def _stamp(folder: Path) -> Stamp:
    """Return what changes when somebody touches a file of a folder; nothing where there is no file."""
    try:
        files = sorted(each for each in folder.rglob("*") if each.is_file())
        facts = [(each, each.stat()) for each in files]
    except OSError:
        return ()
    return tuple((str(path.relative_to(folder)), fact.st_size, fact.st_mtime_ns) for path, fact in facts)


def _not_the_model(ref: ModelRef, seen: str) -> ArtifactError:
    return ArtifactError(
        expected=f"the files of {ref.name} v{ref.version} with digest {ref.digest[:16]}, as the journal names them",
        seen=seen,
        where=f"model cache of the scoring service, {ref.name} v{ref.version}",
        next_step="the model before stays in service; find out who wrote to the registry's store, then roll back or "
        "promote another version",
    )
