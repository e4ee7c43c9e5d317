"""Labels that come late, twice, contradicting, or for nobody."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from include.monitoring.truth import CONTRADICTING, DOUBLE, TOO_OLD, UNKNOWN, join

DAY = dt.date(2024, 3, 1)
LATE = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
PREDICTIONS = pd.DataFrame({"day": [DAY] * 4, "id": [1, 2, 3, 4], "score": [0.1, 0.2, 0.3, 0.4]})


def labels(*given, day=DAY, month=4):
    at = pd.Timestamp(dt.datetime(2024, month, 1, tzinfo=dt.UTC))
    made = pd.DataFrame(list(given), columns=["id", "bad"])
    return made.assign(day=day, available_at=at)


def joined(*parts, known_at=LATE, oldest=None):
    return join(PREDICTIONS, pd.concat(parts), key="id", target="bad", known_at=known_at, oldest=oldest)


def known(found):
    return dict(zip(found.rows["id"], found.rows["bad"], strict=True))


def test_labels_join_by_id_and_the_rest_waits():
    found = joined(labels((1, 0), (2, 1)))
    assert (known(found), found.waiting, found.aside) == ({1: 0, 2: 1}, 2, {})


def test_a_label_counts_from_the_moment_it_was_known():
    parts = labels((1, 0)), labels((2, 1), month=6)
    assert known(joined(*parts)) == {1: 0}
    assert known(joined(*parts, known_at=LATE + dt.timedelta(days=60))) == {1: 0, 2: 1}


def test_a_label_for_a_prediction_that_does_not_exist_is_counted_and_named():
    found = joined(labels((1, 0), (99, 1)))
    assert (known(found), found.aside, found.examples) == ({1: 0}, {UNKNOWN: 1}, {UNKNOWN: ("99",)})


def test_a_label_that_came_twice_counts_once():
    found = joined(labels((1, 0)), labels((1, 0)))
    assert (known(found), found.aside) == ({1: 0}, {DOUBLE: 1})


def test_labels_that_contradict_each_other_count_for_nothing():
    found = joined(labels((1, 0), (2, 1)), labels((1, 1)))
    assert (known(found), found.aside, found.waiting) == ({2: 1}, {CONTRADICTING: 1}, 3)


def test_a_correction_that_came_later_is_no_contradiction():
    found = joined(labels((1, 0)), labels((1, 1), month=4).assign(available_at=pd.Timestamp(LATE)))
    assert (known(found), found.aside) == ({1: 1}, {})


def test_truth_older_than_is_kept_does_not_count():
    found = joined(labels((1, 0)), oldest=DAY + dt.timedelta(days=1))
    assert (known(found), found.aside) == ({}, {TOO_OLD: 1})
    assert found.said == ["1 labels: older than is kept (e.g. 1)"]


def test_an_old_label_that_came_twice_is_one_that_is_too_old():
    found = joined(labels((1, 0)), labels((1, 0)), oldest=DAY + dt.timedelta(days=1))
    assert found.aside == {DOUBLE: 1, TOO_OLD: 1}


def test_predictions_older_than_is_kept_wait_for_nothing():
    assert joined(labels((1, 0)), oldest=DAY).waiting == 3
    assert joined(labels((1, 0)), oldest=DAY + dt.timedelta(days=1)).waiting == 0


@pytest.mark.parametrize("times", [1, 2])
def test_every_version_that_scored_a_case_gets_its_truth(times):
    both = pd.concat([PREDICTIONS.assign(version=1), PREDICTIONS.assign(version=2)])
    given = pd.concat([labels((1, 1))] * times)
    found = join(both, given, key="id", target="bad", known_at=LATE)
    assert found.rows[["version", "bad"]].to_numpy().tolist() == [[1, 1], [2, 1]]
    assert found.waiting == 3


def test_no_truth_at_all_leaves_all_waiting():
    found = joined(labels().astype({"id": "int64"}))
    assert (len(found.rows), found.waiting, found.aside) == (0, 4, {})


@pytest.mark.parametrize("oldest", [None, DAY])
def test_all_wait_where_there_is_no_table_of_truth_yet(oldest):
    for predictions in (PREDICTIONS, PREDICTIONS.astype({"id": "str"})):
        found = join(predictions, pd.DataFrame(), key="id", target="bad", known_at=LATE, oldest=oldest)
        assert (len(found.rows), found.waiting, found.aside) == (0, 4, {})
