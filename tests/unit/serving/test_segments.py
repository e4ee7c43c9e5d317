"""Segments as power losses, kills and bad disks leave them."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

from include.errors import LogError
from include.serving.prediction_log import SegmentWriter
from include.serving.segments import (
    CLOSED,
    OPEN,
    adopt,
    closed_numbers,
    frame,
    lines,
    log_folder,
    quarantined,
    read_segment,
    segment_path,
    writers,
)

THREE = [b'{"a": 1}', b'{"b": 22}', b'{"c": "\xc3\xa9"}']
WHOLE = b"".join(map(frame, THREE))


@pytest.fixture
def folder(tmp_path):
    made = log_folder(tmp_path) / "writer"
    made.mkdir(parents=True)
    return made


def segment(folder, number, kind, body=WHOLE):
    path = segment_path(folder, number, kind)
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("kind", [OPEN, CLOSED])
def test_a_whole_segment_gives_its_records_with_their_offsets(folder, kind):
    read = list(read_segment(segment(folder, 1, kind)))
    assert [each for _, each in read] == THREE
    assert [offset for offset, _ in read] == [0, 18, 37]
    assert all(WHOLE[offset:].startswith(frame(each)) for offset, each in read)


@pytest.mark.parametrize("missing", range(1, len(frame(THREE[2]))))
def test_a_torn_tail_ends_an_open_segment_wherever_it_was_torn(folder, missing):
    path = segment(folder, 1, OPEN, WHOLE[:-missing])
    assert [each for _, each in read_segment(path)] == THREE[:2]

    assert adopt(folder)

    assert [each for _, each in read_segment(segment_path(folder, 1, CLOSED))] == THREE[:2]
    assert quarantined(folder.parents[1]) == []


@pytest.mark.parametrize("at", [0, 3, 8, 9, 12, 17])
def test_a_broken_line_in_a_closed_segment_is_named(folder, at):
    body = bytearray(WHOLE)
    body[18 + at] ^= 4
    path = segment(folder, 1, CLOSED, bytes(body))
    with pytest.raises(LogError, match=rf"{path.name}: .*at offset 18"):
        list(read_segment(path))
    assert [line.record for line in lines(path)] == [THREE[0], None, THREE[2]]


def test_what_a_power_loss_leaves_behind_a_broken_line_is_kept_aside(folder, tmp_path):
    zeros = b"\0" * 30 + b"\n" + frame(THREE[2])
    segment(folder, 4, OPEN, frame(THREE[0]) + zeros)

    assert adopt(folder)

    assert [each for _, each in read_segment(segment_path(folder, 4, CLOSED))] == THREE[:1]
    (kept,) = quarantined(tmp_path)
    assert kept.name == "writer-0000000004-18"
    assert kept.read_bytes() == zeros


def test_an_open_segment_without_a_whole_record_is_removed_and_its_folder_too(folder, tmp_path):
    segment(folder, 1, OPEN, b"0123")
    assert adopt(folder)
    assert writers(tmp_path) == []


def test_after_a_power_loss_two_segments_can_be_open(folder):
    segment(folder, 1, OPEN), segment(folder, 2, OPEN)
    assert adopt(folder)
    assert closed_numbers(folder) == [1, 2]


def test_waiting_segments_are_given_in_order_and_none_is_left_out(folder):
    for number in (9, 10, 7, 11):
        segment(folder, number, CLOSED)
    segment(folder, 12, OPEN)
    assert closed_numbers(folder) == [7, 9, 10, 11]


BESIDE = {
    "rotate": """
import sys, pathlib
from include.serving.segments import CLOSED, OPEN, segment_path
folder = pathlib.Path(sys.argv[1])
for number in range(501, 2501):
    path = segment_path(folder, number, OPEN)
    path.touch()
    path.rename(path.with_suffix(CLOSED))
""",
    "adopt": """
import sys, pathlib
from include.serving.segments import adopt, writers
print(flush=True)
while True:
    for each in writers(pathlib.Path(sys.argv[1])):
        adopt(each)
""",
}


@contextlib.contextmanager
def beside(what, folder):
    """Let a second process do something with a folder meanwhile."""
    with subprocess.Popen([sys.executable, "-c", BESIDE[what], str(folder)], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_segment_that_is_closed_while_the_folder_is_listed_is_not_left_out(folder):
    for number in range(1, 501):
        segment(folder, number, CLOSED, b"")
    with beside("rotate", folder) as rotating:
        while rotating.poll() is None:
            found = closed_numbers(folder)
            assert found == list(range(1, len(found) + 1))
    assert len(closed_numbers(folder)) == 2500


def test_a_folder_is_locked_before_anybody_can_see_it(tmp_path):
    with beside("adopt", tmp_path) as adopting:
        adopting.stdout.readline()
        for _ in range(500):
            made = SegmentWriter(tmp_path, durable=False, segment_bytes=1, segment_seconds=1)
            made.write(WHOLE)
            made.close()
            assert closed_numbers(made.folder) == [1]


def test_there_is_nothing_where_no_log_is(tmp_path):
    assert writers(tmp_path) == []
    assert quarantined(tmp_path) == []
    assert not adopt(log_folder(tmp_path) / "writer")
