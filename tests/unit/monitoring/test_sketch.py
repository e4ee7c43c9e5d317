"""Which kind a column is taken for, and which cell each of its values falls into."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.monitoring.profile import ReferenceProfile, build
from include.monitoring.sketch import codes, count, sketch

COLUMNS = {
    "number": pd.Series([1.5, 2.5, None, 4.0]),
    "boolean": pd.Series([True, False, True]),
    "datetime": pd.to_datetime(pd.Series(["2024-01-01 05:00", "2024-01-07 23:00"])),
    "category": pd.Series(["a", "b", None, "a"]),
    "many": pd.Series([f"product {number}" for number in range(500)]),
    "text": pd.Series([f"{'long ' * (10 + number % 7)}{number}" for number in range(500)]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_is_looked_at_by_its_kind_and_every_value_has_one_cell(kind):
    values = COLUMNS[kind]
    made = sketch(values)
    assert made.kind == kind
    assert made.rows == len(values) == count(made, values).sum()
    assert np.array_equal(np.bincount(codes(made, values), minlength=len(made.counts)), count(made, values))


@pytest.mark.parametrize("kind", COLUMNS)
def test_what_is_missing_is_in_the_last_cell(kind):
    made, gone = sketch(COLUMNS[kind]), COLUMNS[kind].astype(object).where([False] * len(COLUMNS[kind]), None)
    given = gone if kind not in ("number", "datetime") else pd.to_numeric(gone) if kind == "number" else gone
    assert count(made, given)[-1] == len(given)


def test_numbers_that_are_names_are_categories_and_the_same_however_they_are_stored():
    stored = (pd.Series([0.0, 1.0, 2.0]), pd.Series(["0", "1", "2"]), pd.Series([0, 1, 2]))
    for learned in stored:
        made = sketch(pd.concat([learned] * 10), categorical=True)
        assert (made.kind, made.names) == ("category", ("0", "1", "2"))
        for seen in stored:
            assert count(made, seen).tolist() == [1, 1, 1, 0, 0]


def test_a_value_never_seen_is_in_the_cell_of_others():
    assert count(sketch(pd.Series(["a", "b"])), pd.Series(["a", "c", None])).tolist() == [1, 0, 1, 1]


def test_amounts_beyond_the_reference_are_in_the_outer_cells_infinite_ones_too():
    made = sketch(pd.Series([1.0, 2.0, 3.0]))
    assert count(made, pd.Series([0.0, -np.inf, 3.0, 3.1, np.inf])).tolist() == [2, 0, 0, 1, 2, 0]
    assert made.labels[0] == "below 1"


def test_the_hours_of_a_week_are_told_by_day_and_part():
    made = sketch(COLUMNS["datetime"])
    seen = [label for label, rows in zip(made.labels, made.counts, strict=True) if rows]
    assert seen == ["Mon night", "Sun evening"]


def test_a_profile_is_small_and_the_same_after_it_was_stored():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(3000, 200))).add_prefix("column_")
    profile = build(rows, days=None)
    text = profile.model_dump_json()
    assert len(text) < 2e6
    again = ReferenceProfile.model_validate_json(text)
    assert again.columns == profile.columns
    assert np.array_equal(again.sample, profile.sample)


def test_the_sample_has_a_thousand_rows_at_most_and_no_private_column():
    rows = pd.DataFrame({"a": np.arange(3000.0), "age": np.arange(3000.0)})
    profile = build(rows, private=["age"])
    assert (profile.sample.shape, profile.sampled, [*profile.columns]) == ((1000, 1), ("a",), ["a", "age"])


def test_an_infinite_value_is_no_bound_of_a_range():
    made = sketch(pd.Series([1.0, 2.0, np.inf, -np.inf]))
    assert np.isfinite(made.edges).all()
    assert count(made, pd.Series([np.inf, -np.inf])).tolist() == [1, 0, 0, 1, 0]
