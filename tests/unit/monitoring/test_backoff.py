"""A retraining that brought nothing makes the next one wait, longer each time, until a model is promoted."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from include.monitoring.backoff import backoff
from include.policy import Policy

DAY = dt.date(2026, 5, 1)


def tried(count, *, every=7):
    return [DAY + dt.timedelta(days=every * number) for number in range(count)]


def waited(count, policy=None):
    found = backoff(policy or Policy(), tried(count), window_days=7)
    return (found.due - max(tried(count))).days


def test_nothing_tried_waits_for_nothing():
    found = backoff(Policy(), [], window_days=7)
    assert (found.attempts, found.due, found.exhausted) == (0, None, False)
    assert not found.waits(dt.date.min)


def test_the_wait_doubles_up_to_its_limit():
    assert [waited(count) for count in (1, 2, 3, 4, 5, 9)] == [7, 14, 28, 56, 56, 56]


def test_a_wait_of_part_of_a_window_is_a_whole_one():
    policy = Policy(wait_factor=1.5, max_wait=4)
    assert [waited(count, policy) for count in (1, 2, 3, 4)] == [7, 14, 21, 28]


def test_a_wait_may_stay_as_it_is():
    policy = Policy(first_wait=2, wait_factor=1)
    assert [waited(count, policy) for count in (1, 2, 8)] == [14, 14, 14]


def test_the_wait_begins_with_the_last_attempt_whatever_their_order():
    found = backoff(Policy(), tried(3)[::-1], window_days=1)
    assert found.due == max(tried(3)) + dt.timedelta(days=4)


def test_it_ends_on_the_day_that_it_names():
    found = backoff(Policy(), tried(1), window_days=7)
    assert [found.waits(DAY + dt.timedelta(days=after)) for after in (0, 6, 7, 8)] == [True, True, False, False]
    assert found.said == ("1 retraining did not end what was found; the next is due on 2026-05-08")


@pytest.mark.parametrize(("count", "exhausted"), [(3, False), (4, True), (5000, True)])
def test_it_says_when_it_has_grown_to_its_limit(count, exhausted):
    assert backoff(Policy(), [DAY] * count, window_days=7).exhausted is exhausted


def test_a_first_wait_beyond_the_longest_is_refused():
    with pytest.raises(ValidationError, match="first_wait is 9, more than max_wait, 8"):
        Policy(first_wait=9)
