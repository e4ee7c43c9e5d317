"""The picture of a timeline: quality where the truth is known, a word a window, a lane for what was done."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from include.monitor_ops.expectations import expectations
from include.monitor_ops.timeline_page import draw_timeline, write_timeline
from tests.unit.monitor_ops.made import KNOWN, WEEKS, moment, timeline

MOMENTS = [moment(3, "asked"), moment(3, "promoted"), moment(5, "asked"), moment(5, "refused"), moment(7, "called")]
MADE = timeline("drift", verdicts={2: "watch", 3: "retrain", 7: "stop"}, causes={3: "environment"}, moments=MOMENTS)


@pytest.fixture
def drawn():
    figure = draw_timeline(MADE)
    yield figure.axes
    plt.close(figure)


def test_quality_ends_where_the_truth_does_and_the_estimate_goes_on(drawn):
    lines = {line.get_label(): line for line in drawn[0].get_lines()}
    assert len(lines["by the truth"].get_xdata()) == KNOWN
    assert len(lines["foretold, before the truth"].get_xdata()) == WEEKS
    assert "new champion" in lines


def test_every_window_has_its_word_and_every_moment_its_mark(drawn):
    said = [text.get_text() for text in drawn[1].texts]
    assert said == ["healthy", "watch", "retrain\nenvironment", "healthy", "stop", "healthy"]
    marks = {line.get_label(): len(line.get_xdata()) for line in drawn[1].get_lines() if line.get_marker() != "None"}
    assert marks == {"training that the monitor asked for": 2, "new champion": 1, "candidate refused": 1, "call": 1}


def test_a_calm_timeline_has_no_shade(drawn):
    calm = draw_timeline(timeline("calm"))
    assert [len(axes.patches) for axes in calm.axes] == [0, WEEKS]
    assert [len(axes.patches) for axes in drawn] == [1, WEEKS + 1]
    plt.close(calm)


def test_the_page_says_what_was_expected_and_seen(tmp_path):
    page = write_timeline(MADE, expectations(MADE), tmp_path)
    text = page.read_text()
    assert (tmp_path / "timeline.png").stat().st_size > 10_000
    assert "it is trained for" in text
    assert text.count("2025-04-21 to 2025-04-27") == 1
