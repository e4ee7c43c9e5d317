"""What a result depends on besides its data: code, lock, environment. Kept on every run for who rebuilds it."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PACKAGES = (
    "scikit-learn",
    "numpy",
    "pandas",
    "scipy",
    "optbinning",
    "skops",
    "mlflow",
    "deltalake",
    "great-expectations",
)


def git_commit() -> str:
    """Return the commit of the code, with ``+changes`` where the tree differs from it; unknown outside of git."""
    if given := os.environ.get("FLIGHTDECK_COMMIT"):  # an image carries no repository
        return given
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "include", "plugins", "dags")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{head}+changes" if changed else head


def lock_digest() -> str:
    """Return the SHA-256 of the lock file."""
    return hashlib.sha256((_ROOT / "requirements.txt").read_bytes()).hexdigest()


def environment() -> dict[str, str]:
    """Return the interpreter, the platform and the versions that decide about numbers."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return versions


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True
    ).stdout.strip()
