"""Making the environment when the index is away, the disk full, the process killed, or another one at it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.platform import bootstrap

AWAY = {
    "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
    "PIP_RETRIES": "0",
    "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple",
    "UV_HTTP_RETRIES": "0",
    "UV_NO_CACHE": "1",
}


def until(condition, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def test_an_index_out_of_reach_is_told_and_the_next_try_goes_on(door):
    said = door.refusal("up", **AWAY)
    assert "packages from requirements.txt failed: ERROR: " in said
    assert "Next: see that the package index is in reach" in said
    again = door("up", **AWAY)
    assert "making .venv" not in again.stdout
    assert not list((door.folder / ".venv").glob(".flightdeck-*"))


def test_uv_without_an_index_is_told_too(door):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("no uv on this machine")
    said = door.refusal("up", PATH=f"{Path(uv).parent}:/usr/bin:/bin", **AWAY)
    assert "Next: see that the package index is in reach" in said


@pytest.mark.slow
def test_a_start_that_was_killed_blocks_no_later_one(door):
    killed = subprocess.Popen(
        [sys.executable, str(door.folder / "flightdeck"), "up"],
        env={"PATH": "/usr/bin:/bin", **AWAY}, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until((door.folder / ".venv/bin/python").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (door.folder / ".venv/bin/pip").exists()
    assert "packages from requirements.txt failed" in door.refusal("up", **AWAY)
    assert (door.folder / ".venv/bin/pip").exists()


@pytest.mark.slow
def test_an_environment_that_did_not_come_about_leaves_the_way_free(small_disk, capsys):
    venv = small_disk / ".venv"
    with pytest.raises(bootstrap.NotReadyError, match=r"making \.venv failed: .*python3-venv"):
        bootstrap.make_venv(venv)
    assert (venv / "bin/python").exists()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    bootstrap.make_venv(venv)
    assert (venv / "bin/pip").exists()
    assert capsys.readouterr().out.count("making .venv") == 2


def test_a_program_that_says_a_lot_is_waited_for(capsys):
    bootstrap.run([sys.executable, "-c", "print('x' * 1_000_000)"], "talking", "")
    assert "done in" in capsys.readouterr().out


def test_two_at_once_work_one_after_the_other(tmp_path):
    lock = tmp_path / "home" / "lock"
    code = f"""
import pathlib, time
from include.platform.bootstrap import alone
with alone(pathlib.Path({str(lock)!r}), print):
    print("mine", flush=True)
    time.sleep(1)
"""
    other = subprocess.Popen([sys.executable, "-c", code], cwd=bootstrap.ROOT, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "mine\n"
    said = []
    with alone_for_me(lock, said):
        assert other.poll() is not None or other.wait(1) == 0
    other.stdout.close()
    assert said == ["· waiting for another ./flightdeck to end …"]


def alone_for_me(lock, said):
    return bootstrap.alone(lock, said.append)
