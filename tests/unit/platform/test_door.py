"""The door on a bare machine: help without anything, and one sentence for what a machine lacks."""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from include.platform.bootstrap import ROOT
from include.platform.door import parser
from tests.unit.platform.conftest import NAMES, clone, fill

COMMANDS = sorted(next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)).choices)
OLDEST, NEWEST_REFUSED = (3, 6), (3, 10)


def old_pythons():
    """Return the interpreters of this machine that are too old."""
    places = [*os.environ["PATH"].split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    names = [f"python3.{minor}" for minor in range(OLDEST[1], NEWEST_REFUSED[1] + 1)]
    found = {path for name in names for place in places if (path := shutil.which(name, path=place))}
    return [
        path for path in found if not subprocess.run([path, "--version"], capture_output=True, check=False).returncode
    ]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_needs_nothing_but_a_bare_python(door, command):
    said = subprocess.run(
        [sys.executable, "-S", "-I", str(door.folder / "flightdeck"), *filter(None, [command]), "--help"],
        cwd="/", env={}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.startswith(f"usage: ./flightdeck {command}".rstrip())
    assert said.stderr == ""
    assert sorted(path.name for path in door.folder.iterdir()) == sorted(NAMES)


def test_the_door_parses_under_the_oldest_python_that_is_still_met():
    ast.parse((ROOT / "flightdeck").read_text(), feature_version=OLDEST)


def test_an_old_python_is_named_and_told_what_to_do(door):
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python from 3.6 to 3.10 on this machine")
    for path in pythons:
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        for arguments in ((), ("up",), ("--help",)):
            said = door.refusal(*arguments, python=path, PYTHONIOENCODING="utf-8")
            assert f"3.11, 3.12 or 3.13 is needed, but this is {version}" in said
            assert "python3.11 ./flightdeck" in said


def test_a_port_in_use_is_named_with_its_service_and_a_way_out(door):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = door.with_environment().refusal("up", "--no-life", "--ports", str(port - 2))
    assert f"Port {port} for s3 is in use by another program" in said
    assert f"--ports {port - 2 + 1000}" in said
    assert not (door.folder / ".flightdeck/state.json").exists()


def test_a_small_disk_is_refused_before_anything_is_made(small_disk):
    small = clone(small_disk / "clone")
    assert "4 GiB of disk are needed" in small.refusal("up")
    assert not (small.folder / ".venv").exists()


def test_a_full_disk_ends_in_a_sentence(small_disk):
    full = clone(small_disk / "clone").with_environment()
    fill(small_disk)
    said = full.refusal("up", "--no-life", "--ports", "31080")
    assert "No space left on device" in said
    assert "Next: " in said


@pytest.mark.parametrize(
    "command", ["status", "run credit_risk", "verify credit_risk", "history credit_risk", "reproduce 1", "key list"]
)
def test_a_command_before_the_first_start_says_how_to_start(door, command):
    assert "`./flightdeck up`" in door.with_environment().refusal(*command.split())


def test_down_before_the_first_start_is_no_error(door):
    ended = door.with_environment()("down")
    assert (ended.returncode, ended.stdout) == (0, "nothing ran\n")
