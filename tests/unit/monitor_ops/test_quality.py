"""Performance by the labels: what can be computed is, and what cannot says why."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.monitor_ops.quality import fairness, qualities
from include.monitor_ops.reference import reference_of
from include.monitoring.estimate import Reliability
from include.records import ClassificationEvaluation
from include.use_cases.credit_risk import SPEC

TARGET = SPEC.contract.target
LAST = dt.date(2024, 3, 7)
JUDGED = ClassificationEvaluation.model_construct(threshold=0.5)  # nothing else of it is read


@pytest.fixture(scope="module")
def clients():
    """Return scored clients of one week, whose scores are the probabilities of their outcomes."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({column.name: draw.integers(0, 4, size=2000) for column in SPEC.contract.columns})
    score = draw.beta(1, 3, size=2000)
    return rows.assign(
        EDUCATION=np.where(np.arange(2000) < 20, 4, rows["EDUCATION"]), SEX=1 + rows["SEX"] % 2,
        AGE=draw.integers(20, 70, size=2000), score=score, day=LAST, **{TARGET: draw.random(2000) < score},
    )  # fmt: skip


def seen(clients, rows, count=1):
    reference = reference_of(SPEC, clients, clients["score"].to_numpy())
    return qualities(SPEC, JUDGED, Reliability(), reference, rows, until=LAST, count=count)


def test_a_window_has_its_metrics_beside_what_was_foretold_and_by_slice(clients):
    (found,) = seen(clients, clients)
    assert set(found.seen) == {"auc", "brier", "cost"}
    assert found.why == {}
    assert not any(promise.broken for promise in found.promises)
    assert {each.column for each in found.slices if each.quality} == set(SPEC.monitoring.groups)


def test_a_slice_of_a_few_rows_says_so_and_the_others_are_judged(clients):
    (found,) = seen(clients, clients)
    few = {each.group: each.why for each in found.slices if each.quality is None}
    assert few == {"4": "20 rows, 100 are needed"}


def test_labels_of_one_kind_have_no_ranking_and_the_other_metrics_go_on(clients):
    (found,) = seen(clients, clients.assign(**{TARGET: 0}))
    assert set(found.seen) == {"brier", "cost"}
    assert found.why == {"auc": "too few of one outcome"}
    assert {each.why for each in found.slices} == {"too few of one outcome", "20 rows, 100 are needed"}


def test_a_window_with_one_group_has_no_parity_by_it_and_all_else_goes_on(clients):
    (found,) = seen(clients, clients.assign(SEX=1))
    assert [each.column for each in found.fairness] == ["AGE"]
    assert found.why == {"parity by SEX": "at least two groups of 100 rows are needed, and there are 1: 2000"}
    assert set(found.seen) == {"auc", "brier", "cost"}


def test_parity_over_some_windows_goes_on_as_well(clients):
    found = fairness(SPEC, JUDGED, clients.assign(SEX=1), until=LAST)
    assert [each.column for each in found] == ["AGE"]


def test_a_window_of_too_few_rows_is_left_out(clients):
    assert seen(clients, clients.head(SPEC.monitoring.min_rows - 1)) == []
    assert seen(clients, clients.head(0)) == []


def test_windows_come_oldest_first(clients):
    earlier = clients.assign(day=LAST - dt.timedelta(days=SPEC.monitoring.window_days))
    found = seen(clients, pd.concat([clients, earlier]), count=5)
    assert [each.last_day for each in found] == [earlier["day"].iloc[0], LAST]
