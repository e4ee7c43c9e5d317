"""Estimates stand beside the truth of their version and window, or alone while it has not come."""

from __future__ import annotations

import math

import pandas as pd

from include.models.evaluations import COLUMNS
from include.platform.history import beside_estimates


def found(*lines):
    rows = [
        {"key": "a", "first_day": 1, "last_day": 7, "rows": 9, "metric": "auc", "low": 0.0, "high": 1.0, **line}
        for line in lines
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def told(*lines):
    seen = beside_estimates(found(*lines))[["version", "source", "value", "estimate"]]
    return seen.astype(object).where(seen.notna(), None).to_numpy().tolist()


def line(version, source, value, **given):
    return {"version": version, "source": source, "value": value, **given}


def test_an_estimate_stands_beside_each_truth_of_its_version_and_window():
    lines = line(1, "estimate", 0.75), line(1, "online", 0.74), line(1, "replay", 0.73), line(2, "online", 0.76)
    assert told(*lines) == [[1, "online", 0.74, 0.75], [1, "replay", 0.73, 0.75], [2, "online", 0.76, None]]


def test_an_estimate_whose_truth_has_not_come_stands_alone_in_its_place():
    lines = (
        line(1, "online", 0.74, last_day=7),
        line(1, "estimate", 0.75, last_day=14),
        line(1, "online", 0.7, last_day=21),
    )
    assert told(*lines) == [[1, "online", 0.74, None], [1, "estimate", None, 0.75], [1, "online", 0.7, None]]


def test_of_another_model_or_window_no_estimate_is_taken():
    lines = line(1, "estimate", 0.75, key="b"), line(1, "estimate", 0.75, first_day=2), line(1, "online", 0.74)
    assert told(*lines)[2] == [1, "online", 0.74, None]


def test_only_estimates_and_nothing_at_all_are_no_error():
    assert told(line(1, "estimate", 0.75)) == [[1, "estimate", None, 0.75]]
    assert math.isnan(beside_estimates(found(line(1, "estimate", 0.75)))["low"][0])
    assert beside_estimates(found()).empty
