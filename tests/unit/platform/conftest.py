"""A copy of the door as a fresh clone would have it, and the worlds in which it must say what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.platform import bootstrap, processes

NAMES = ("flightdeck", "include", "requirements.txt", "requirements-dev.txt")


@dataclass(frozen=True)
class Door:
    """The door of one clone."""

    folder: Path

    def __call__(self, *arguments, python=sys.executable, **env):
        """Run a command as a user without any setting of ours would, and return how it ended."""
        bare = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **env}
        return subprocess.run(
            [python, str(self.folder / "flightdeck"), *arguments],
            cwd="/", env=bare, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def refusal(self, *arguments, **more):
        """Run a command that must fail with one sentence and leave no process, and return the sentence."""
        ended = self(*arguments, **more)
        assert ended.returncode not in (0, 75), ended.stdout
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert processes.marked(self.folder / ".flightdeck") == set()
        return ended.stderr.strip()

    def with_environment(self):
        """Lend this clone the environment that the tests run in."""
        if not bootstrap.made("runtime"):
            pytest.skip("the tests' own environment was not made by the door")
        (self.folder / ".venv").symlink_to(bootstrap.VENV)
        return self


def clone(folder):
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        source = bootstrap.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name, **({"ignore": shutil.ignore_patterns("__pycache__")} if source.is_dir() else {}))
    return Door(folder)


@pytest.fixture
def door(tmp_path):
    """Give the door of a fresh clone without an environment."""
    return clone(tmp_path / "clone")


def fill(folder):
    """Fill a disk to its last byte."""
    descriptor = os.open(folder / "full", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError:
        os.close(descriptor)
