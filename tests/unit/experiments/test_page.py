"""The page's numbers are what the functions say today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.experiments.plan import Assumptions, plan, smallest_effect

PAGE = (Path(__file__).parents[3] / "docs/experiments.md").read_text()
ROWS = re.findall(
    r"^\| ([\d.]+) % \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) % \| ([\d.]+) \|$", PAGE, re.MULTILINE
)


def test_the_table_is_there():
    assert len(ROWS) == 8


@pytest.mark.parametrize("row", ROWS)
def test_what_can_be_detected_is_what_the_page_says(row):
    baseline, days, correlation, explained, points, relative, ends = map(float, row)
    assumed = Assumptions(baseline=baseline / 100, days=int(days), correlation=correlation, explained=explained)
    found = smallest_effect(assumed, units=2469)
    assert 100 * found.effect == pytest.approx(points, abs=0.006)
    assert 100 * found.effect / assumed.baseline == pytest.approx(relative, abs=0.06)
    assert found.expected_days == pytest.approx(ends, abs=0.06)


def test_what_cannot_be_detected_is_what_the_page_says():
    popular = Assumptions(baseline=0.095, days=28, correlation=0.157, explained=0.49)
    own = Assumptions(baseline=0.178, days=28, correlation=0.219, explained=0.58)

    def needed(assumed, better):
        return f"{plan(assumed, effect=better * assumed.baseline).units:,}"

    assert f"that takes {needed(popular, 0.05)} households at 9.5 % and {needed(own, 0.05)} at 17.8 %" in PAGE
    assert f"a 10 % better one takes {needed(popular, 0.1)} and {needed(own, 0.1)}" in PAGE
    assert f"a fourth more clicks ({needed(popular, 0.25)} households would do)" in PAGE
    tenth = smallest_effect(popular.model_copy(update={"share": 0.1}), units=2469).effect / 0.095
    market = smallest_effect(popular, units=250).effect / 0.095
    assert f"finds {tenth:.1%}"[:-1] + " %" in PAGE
    assert f"250 households {market:.1%}"[:-1] + " %" in PAGE
