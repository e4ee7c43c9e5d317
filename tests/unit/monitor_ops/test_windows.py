"""What is said of a window: the columns that moved most, or why nothing can be said."""

from __future__ import annotations

import pytest

from include.monitor_ops.windows import Window
from include.monitoring.drift import detect
from include.monitoring.profile import build
from include.monitoring.window import read
from tests.unit.monitoring.populations import AMOUNTS, FIRST, population


@pytest.fixture(scope="module")
def reference():
    return build(population(5000, 1))


def window(reference, columns, *, rows=1000):
    frame = population(rows, 3)
    frame[list(columns)] *= 2.0
    seen = read(reference, frame, seed=1)
    return Window(FIRST, FIRST, frame, seen, detect(reference, seen, seed=1))


def test_a_column_that_moved_is_named_with_its_effect(reference):
    said = window(reference, AMOUNTS[:1]).named
    assert said.startswith(f"{AMOUNTS[0]} (effect 0.")
    assert "more" not in said


def test_of_many_the_five_that_moved_most_are_named_and_the_others_are_counted(reference):
    found = window(reference, AMOUNTS)
    most = [each.column for each in found.drift.drifted[:5]]
    assert [part.split(" (")[0] for part in found.named.split("), ")] == most
    assert found.named.endswith(f") and {len(found.drift.drifted) - 5} more")


def test_a_calm_window_and_one_of_no_rows_name_none(reference):
    assert window(reference, ()).named == "none"
    assert window(reference, (), rows=1).named.startswith("not judged: 1 rows")
