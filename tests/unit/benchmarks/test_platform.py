"""What a life costs beyond its work: overlaps count once, gaps are overhead, waiting for a person is neither."""

from __future__ import annotations

import pytest

from benchmarks.platform import Timeline, length, union


def test_intervals_that_touch_or_overlap_become_one():
    assert union([(5, 6), (0, 2), (1, 3), (3, 4)]) == [(0, 4), (5, 6)]
    assert union([(0, 10), (2, 3)]) == [(0, 10)]
    assert union([]) == []


def test_a_length_leaves_out_what_lies_in_another_interval():
    assert length([(0, 4), (5, 6)]) == 5
    assert length([(0, 4), (5, 6)], besides=(3, 5.5)) == 3.5
    assert length([(0, 4)], besides=(6, 8)) == 4


def test_two_tasks_at_once_count_once_and_a_parked_approval_does_not_count():
    seen = Timeline(
        tasks=(("one", (0, 4)), ("other", (1, 3)), ("approve", (6, 12)), ("promote", (13, 14))),
        asked=(7, 10),
        parked=(7, 10.5),
    )
    assert seen.wait == 3
    assert seen.body == pytest.approx(4 + 1 + 1.5 + 1)


def test_a_life_without_an_approval_waits_for_nobody():
    seen = Timeline(tasks=(("one", (0, 4)),))
    assert (seen.wait, seen.body) == (0.0, 4)
