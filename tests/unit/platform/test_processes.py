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
