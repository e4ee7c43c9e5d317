"""What a platform has started is found and ended as a whole, and nothing beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from include.platform import processes
from include.platform.stores import Program

SLEEP = "sleep 300.25"
PAIR = f"{SLEEP} & wait"
FAMILY = f"{SLEEP} & setsid {SLEEP} & wait"  # one child leaves the session

# A child without an environment, as a program that renames itself leaves behind; its parent ends without a word to it.
LEAVES_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen(["sleep", "60"], env={})
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def started(tmp_path):
    program = Program("parent", [sys.executable, "-c", LEAVES_A_CHILD], {})
    found = processes.start(program, home=tmp_path, log=tmp_path / "log")
    yield found
    processes.stop([found], home=tmp_path)


@pytest.fixture
def child(started, tmp_path):
    deadline = time.monotonic() + 20
    while not (said := (tmp_path / "log").read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(said)


def test_a_child_that_lost_its_mark_belongs_to_the_platform_and_ends_with_it(started, child, tmp_path):
    assert child not in processes.marked(tmp_path)
    assert processes.members([started], home=tmp_path) == {started.pid, child}
    assert processes.members([started], home=None) == {started.pid, child}
    processes.stop([started], home=tmp_path)
    assert processes.members([started], home=tmp_path) == set()
    assert not processes.alive(started)


def test_a_child_that_outlived_its_parent_ends_too(started, child, tmp_path):
    os.kill(started.pid, signal.SIGKILL)
    os.waitpid(started.pid, 0)
    assert processes.members([started], home=tmp_path) == {child}
    processes.stop([started], home=tmp_path)
    assert processes.members([started], home=tmp_path) == set()


def test_what_another_started_is_left_alone(started, child, tmp_path):
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        reused = started.model_copy(update={"pid": other.pid, "began": started.began - 1})
        assert processes.members([reused], home=None) == set()
        processes.stop([started, reused], home=tmp_path)
        assert other.poll() is None
        other.kill()


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def home(tmp_path):
    yield tmp_path / "home"
    processes.stop([], home=tmp_path / "home")


@pytest.fixture
def start(home):
    def started(script, name="family", of=None):
        of = of or home
        return processes.start(Program(name, ["/bin/sh", "-c", script], {}), home=of, log=of / f"logs/{name}.log")

    return started


@pytest.fixture
def stranger():
    """Give a process with the very command line of ours, which we have not started."""
    process = subprocess.Popen(["/bin/sh", "-c", PAIR], start_new_session=True)
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def members(home, count):
    deadline = time.monotonic() + 10
    while len(found := processes.marked(home)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def test_children_end_with_their_parent_and_strangers_stay(home, start, stranger, tmp_path):
    other = start(PAIR, name="other", of=tmp_path / "another home")
    ours = start(PAIR), start(FAMILY, name="second")
    found = members(home, 5)
    assert processes.stop(ours, home=home) == []
    assert not any(map(running, found))
    assert running(stranger.pid)
    assert len(members(tmp_path / "another home", 2)) == 2
    processes.stop([other], home=tmp_path / "another home")


def test_what_ignores_the_request_is_killed(home, start, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.5)
    deaf = start(f"trap '' TERM; {SLEEP} & while :; do wait; done")
    found = members(home, 2)
    assert processes.stop([deaf], home=home) == [deaf.pid]
    assert not any(map(running, found))


def test_what_ran_before_survives_a_start_that_failed(home, start):
    before = start(PAIR, name="before")
    members(home, 2)
    fresh = start(PAIR, name="fresh")
    members(home, 4)
    os.kill(fresh.pid, signal.SIGKILL)  # it has died by itself, and has left a child
    processes.stop([fresh], home=None)
    assert before.pid in members(home, 2)
    assert len(processes.marked(home)) == 2


def test_a_log_belongs_to_one_start_and_the_one_before_is_kept(home, start):
    for word in ("first", "second"):
        started = start(f"echo {word}")
        deadline = time.monotonic() + 10
        while processes.alive(started):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert (home / "logs/family.log").read_text() == "second\n"
    assert (home / "logs/family.log.before").read_text() == "first\n"
    assert (home / "logs/family.log").stat().st_mode & 0o777 == 0o600
