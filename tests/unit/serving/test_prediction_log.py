"""The prediction log on a real disk: what it acknowledges is there, once, whatever happens to process and disk."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from include.errors import LogError, OverloadedError, TransientError
from include.serving.segments import CLOSED, OPEN, adopt, closed_numbers, unshipped_bytes
from tests.platform_fixtures import until
from tests.unit.serving.made import folder_of, ids, logged, record

CACHESTAT = 451


def undurable_pages(path):
    """Return how many pages of a file are in memory and not on disk yet, as the kernel counts them."""
    counts = (ctypes.c_uint64 * 5)()  # cached, dirty, in writing, evicted, recently evicted
    with path.open("rb") as file:
        whole = (ctypes.c_uint64 * 2)(0, 0)
        if ctypes.CDLL(None, use_errno=True).syscall(CACHESTAT, file.fileno(), whole, counts, 0):
            pytest.skip(f"this kernel does not count a file's pages: {os.strerror(ctypes.get_errno())}")
    return counts[1] + counts[2]


def test_what_is_acknowledged_is_in_the_log_in_its_order(within, tmp_path):
    async def test(log):
        for number in range(50):
            await log.append(record(str(number)))
            assert logged(folder_of(tmp_path))[-1] == str(number)

    within(test)
    folder = folder_of(tmp_path)
    assert logged(folder) == [str(number) for number in range(50)]
    assert closed_numbers(folder) == [1]  # closing leaves all to be shipped


def test_records_that_come_together_share_a_sync(within, tmp_path):
    async def test(log):
        await asyncio.gather(*(log.append(record(str(number))) for number in range(2000)))
        return log.groups

    assert within(test) < 100
    assert len(logged(folder_of(tmp_path))) == 2000


@pytest.mark.parametrize("durable", [True, False])
def test_a_durable_record_is_on_disk_and_not_in_memory_when_it_is_acknowledged(within, tmp_path, durable):
    async def test(log):
        await log.append(record("one"))
        return undurable_pages(folder_of(tmp_path) / f"0000000001{OPEN}")

    assert (within(test, durable=durable) == 0) is durable


def test_a_segment_s_name_is_on_disk_before_its_first_record_is_acknowledged(tmp_path):
    """What the kernel was asked, in its order: no test can cut the power."""
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    calls = tmp_path / "calls"
    traced = ["strace", "-f", "-y", "-e", "trace=openat,fsync,fdatasync,write,rename", "-o", str(calls)]
    command = [*traced, sys.executable, "-m", "tests.unit.serving.appender", str(tmp_path), "1", "20000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as child:
        first = child.stdout.readline()
        os.killpg(child.pid, signal.SIGKILL)
    if not first and b"ptrace" in child.stderr.read():
        pytest.skip("no process may be traced here")
    said = [line.split(maxsplit=1)[1] for line in calls.read_text().splitlines()]
    told = [each for each in said if str(tmp_path) in each or each.startswith("write(1<")]
    changes = [each.split("(")[0] for each in told if "O_CREAT" in each or not each.startswith("openat")]
    named, begun, acknowledged = ["rename", "fsync", "fsync"], ["openat", "fsync"], ["write", "fdatasync", "write"]
    assert changes[:8] == named + begun + acknowledged


@pytest.mark.parametrize("attempt", range(4))
def test_every_acknowledged_record_survives_kill_9_once(tmp_path, attempt):
    command = [sys.executable, "-m", "tests.unit.serving.appender", str(tmp_path), "40", "20000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        killer = threading.Timer(0.3 + random.random() / 2, child.send_signal, [signal.SIGKILL])
        first = child.stdout.readline()
        killer.start()
        acknowledged = [first, *child.stdout]
    if not acknowledged[-1].endswith(b"\n"):
        acknowledged.pop()
    folder = folder_of(tmp_path)

    assert adopt(folder)

    found = logged(folder)
    assert len(closed_numbers(folder)) > 2
    assert len(found) == len(set(found))
    assert {each.decode().strip() for each in acknowledged} <= set(found)
    assert len(found) - len(acknowledged) <= 2 * 40  # what was on its way to 40 clients, and nothing else


def test_a_segment_is_closed_when_it_is_large(within, tmp_path):
    async def test(log):
        for number in range(30):
            await log.append(record(str(number)))

    within(test, segment_bytes=2000)
    folder = folder_of(tmp_path)
    assert closed_numbers(folder) == [1, 2, 3, 4, 5]
    *full, _ = sorted(folder.iterdir())
    assert all(2000 <= each.stat().st_size < 2500 for each in full)
    assert logged(folder) == [str(number) for number in range(30)]


def test_a_segment_is_closed_when_it_is_old_though_nothing_more_comes(within, tmp_path):
    async def test(log):
        await log.append(record("one"))
        assert closed_numbers(folder_of(tmp_path)) == []
        await asyncio.sleep(0.6)
        assert closed_numbers(folder_of(tmp_path)) == [1]
        await log.append(record("two"))

    within(test, segment_seconds=0.2)
    assert logged(folder_of(tmp_path)) == ["one", "two"]


def test_a_full_disk_is_told_leaves_nothing_half_and_is_forgotten_when_there_is_room(small_disk, within):
    async def test(log):
        await log.append(record("before"))
        ballast = small_disk / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free)
        large = [record(f"full {number}", inputs="x" * 3000) for number in range(5)]
        answers = await asyncio.gather(*map(log.append, large), return_exceptions=True)
        assert [type(each) for each in answers] == [TransientError] * 5
        assert "No space left" in str(answers[0])
        assert "No space left" in log.problem
        with pytest.raises(TransientError, match="give the disk space"):
            await log.append(large[0])
        assert logged(folder_of(small_disk)) == ["before"]
        ballast.unlink()
        await log.append(record("after"))
        assert log.problem == ""

    within(test, home=small_disk)
    assert logged(folder_of(small_disk)) == ["before", "after"]
    assert closed_numbers(folder_of(small_disk)) == [1, 2]


def test_a_folder_that_cannot_be_made_is_told(within, tmp_path):
    (tmp_path / "log").touch()
    with pytest.raises(TransientError, match="Not a directory"):
        within(None)


@pytest.fixture
def largest_file():
    """Give a function that limits how large a file may get, and lift the limit afterwards."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def attribute(path, change):
    done = subprocess.run(["chattr", change, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a file that cannot be cut needs an attribute that may not be set here: {done.stderr.strip()}")


def test_half_a_group_that_cannot_be_taken_away_at_once_is_taken_away_before_the_next(within, tmp_path, largest_file):
    async def test(log):
        await log.append(record("before"))
        path = folder_of(tmp_path) / f"0000000001{OPEN}"
        attribute(path, "+a")  # now it can neither be cut nor be renamed
        try:
            largest_file(2**20)
            with pytest.raises(TransientError, match="File too large"):
                await log.append(record("half", inputs="x" * 2**20))
            largest_file(resource.RLIM_INFINITY)
            assert path.stat().st_size == 2**20
            with pytest.raises(TransientError, match="not permitted"):
                await log.append(record("refused"))
            assert path.stat().st_size == 2**20
        finally:
            attribute(path, "-a")
        await log.append(record("after"))

    within(test)
    folder = folder_of(tmp_path)
    assert closed_numbers(folder) == [1, 2]
    assert logged(folder) == ["before", "after"]


async def until_refused(log, each):
    for taken in range(1000):
        try:
            await log.append(each)
        except OverloadedError as refused:
            return taken, refused
    raise AssertionError("a thousand records were taken")


def test_what_waits_to_be_shipped_is_bounded_and_the_bound_lifts_when_it_is_shipped(within, tmp_path):
    async def test(log):
        taken, refused = await until_refused(log, record("any"))
        assert re.search(r"at most 20000 bytes, but saw 20\d+ waiting to be shipped", str(refused))
        assert refused.retry_after > 0
        await asyncio.sleep(0.3)
        assert 19_000 < unshipped_bytes(tmp_path) <= 20_000
        assert len(logged(folder_of(tmp_path))) == taken
        for shipped in folder_of(tmp_path).glob(f"*{CLOSED}"):
            shipped.unlink()
        await asyncio.sleep(0.3)
        await log.append(record("again"))

    within(test, max_unshipped_bytes=20_000, segment_seconds=0.1)


def test_the_bound_counts_what_other_writers_have_left(within, tmp_path):
    async def first(log):
        for number in range(30):
            await log.append(record(str(number)))

    async def second(log):
        with pytest.raises(OverloadedError):
            log.append(record("one"))

    within(first)
    within(second, max_unshipped_bytes=10_000)


def test_what_waits_for_the_disk_is_bounded(within):
    async def test(log):
        large = record("one", inputs="x" * 100_000)
        first = log.append(large)
        with pytest.raises(OverloadedError, match="waiting for the disk"):
            log.append(large)
        await first
        await log.append(record("again"))
        assert log.waiting_bytes == 0

    within(test, max_waiting_bytes=150_000)


def test_a_client_that_goes_away_leaves_its_record_and_the_others_their_answers(within, tmp_path):
    async def test(log):
        gone, stays = log.append(record("gone")), log.append(record("stays"))
        gone.cancel()
        await asyncio.wait_for(stays, 5)

    within(test)
    assert logged(folder_of(tmp_path)) == ["gone", "stays"]


def test_a_record_with_a_line_s_end_is_refused(within, tmp_path):
    async def test(log):
        with pytest.raises(LogError, match="line's end, but saw one at byte 3"):
            log.append(b"{}\x20\n{}")
        await log.append(record("one"))

    within(test)
    assert logged(folder_of(tmp_path)) == ["one"]


def test_a_closed_log_has_written_all_and_takes_no_more(within, tmp_path):
    async def test(log):
        last = [log.append(record(str(number))) for number in range(100)]
        await log.close()
        assert all(each.done() for each in last)
        with pytest.raises(TransientError, match="closed"):
            log.append(record("late"))

    within(test)
    assert logged(folder_of(tmp_path)) == [str(number) for number in range(100)]


def test_two_logs_of_one_process_have_two_folders(within, tmp_path):
    async def test(log):
        await log.append(record("one"))
        return log.writer

    assert len({within(test), within(test), within(test)}) == 3
    assert sorted(each for path in tmp_path.glob(f"log/*/*{CLOSED}") for each in ids(path)) == ["one"] * 3


def test_the_event_loop_stays_free_while_the_disk_works(within):
    async def test(log):
        longest, done = 0.0, asyncio.gather(*(log.append(record(str(number))) for number in range(500)))
        while not done.done():
            before = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - before)
        return longest

    assert within(test) < 0.5


def test_a_living_writer_s_log_is_not_adopted(within, tmp_path):
    async def test(log):
        await log.append(record("one"))
        assert not adopt(folder_of(tmp_path))
        await log.append(record("two"))

    within(test)
    until(lambda: adopt(folder_of(tmp_path)), seconds=5)
    assert logged(folder_of(tmp_path)) == ["one", "two"]
