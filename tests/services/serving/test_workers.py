"""Workers live, die and are replaced: the port is never closed, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from include.platform import processes
from tests.services.serving.helpers import ROOT, Service


@pytest.fixture
def two(stack, tmp_path):
    made = Service(tmp_path, workers=2)
    yield made
    made.close()


def running(service, count):
    """Return a condition: so many workers listen themselves."""

    def look():
        pids = service.pids()
        return pids if len(pids) == count and all(processes.listens(pid, service.port) for pid in pids) else None

    return look


class Caller(threading.Thread):
    """Asks the port without a pause, and keeps who answered and what went wrong."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.by, self.errors, self._stop_now = service, [], [], threading.Event()

    def run(self):
        while not self._stop_now.is_set():
            try:
                self.by.append(self.service.answer())
            except OSError as error:
                self.errors.append(error)
            time.sleep(0.01)

    def stop(self):
        self._stop_now.set()
        self.join(10)


def test_a_worker_that_is_killed_is_started_again_and_the_other_stays(two):
    two.start()
    before = two.until(running(two, 2), seconds=20)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    after = two.until(lambda: (found := running(two, 2)()) and killed not in found and found)
    assert len(after & before) == 1
    assert two.view().problem == ""


def test_a_worker_that_dies_again_and_again_is_started_less_often_and_told(service):
    service.worker.write_text("import sys; sys.exit(3)")
    service.start()
    service.until(lambda: (view := service.view()) is not None and "a worker has died" in view.problem, seconds=20)
    time.sleep(4)
    ends = service.log.read_text().count("ended with 3")
    assert 2 <= ends <= 5


def test_a_request_under_way_is_answered_before_the_service_ends_and_nothing_is_left(service):
    service.start()
    (pid,) = service.until(running(service, 1), seconds=20)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(service.answer("/slow")))
    caller.start()
    time.sleep(0.3)
    assert service.end() == 0
    caller.join(5)
    assert answers == [pid]
    assert not processes.listener(service.port)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.slow
def test_a_worker_that_does_not_end_is_killed(service):
    service.worker.write_text(service.worker.read_text().replace("told.append(1)", "None"))
    service.start()
    (pid,) = service.until(running(service, 1), seconds=20)
    assert service.end() == 0
    assert "were killed" in service.log.read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_workers_outlive_a_killed_supervisor_until_the_next_one_has_replaced_them(two):
    two.start()
    before = two.until(running(two, 2), seconds=20)
    old = [processes.known(pid) for pid in before]
    caller = Caller(two)
    caller.start()
    two.end(signal.SIGKILL)
    time.sleep(1)
    assert two.pids() == before
    assert set(caller.by[-10:]) <= before
    two.start()
    after = two.until(lambda: (found := running(two, 2)()) and not found & before and found, seconds=20)
    two.until(lambda: not any(map(processes.alive, old)), seconds=3)
    two.until(lambda: caller.by[-1] in after)
    caller.stop()
    assert len(caller.by) > 100
    # A connection that an old worker's queue has taken when it closes is reset; nothing else may go wrong.
    assert len(caller.errors) <= 2, caller.errors
    assert all("reset" in str(each).lower() for each in caller.errors)


def test_old_workers_stay_as_long_as_the_new_ones_do_not_listen(service):
    service.start()
    before = service.until(running(service, 1), seconds=20)
    service.end(signal.SIGKILL)
    good = service.worker.read_text()
    service.worker.write_text("import sys; sys.exit(3)")
    service.start()
    service.until(lambda: (view := service.view()) is not None and "a worker has died" in view.problem, seconds=20)
    assert service.answer() in before
    service.worker.write_text(good)
    service.until(lambda: (found := running(service, 1)()) and not found & before)


def test_a_second_supervisor_of_the_same_home_is_refused(service):
    service.start()
    service.until(running(service, 1), seconds=20)
    second = subprocess.Popen(
        [sys.executable, "-m", "include.serving.main", "--home", str(service.home), "--port", str(service.port)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _, said = second.communicate(timeout=30)
    finally:
        second.terminate()  # it ends its workers, should it have started some
        second.wait(20)
    assert second.returncode == 1
    assert "another supervisor holds" in said
    assert len(service.pids()) == 1
