"""A benchmark says what it measured, against what, on which machine; and a missed goal is never green."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import sys
import types

import pytest
from pydantic import ValidationError
from rich.console import Console

from benchmarks import harness
from benchmarks.harness import Goal, Measure, Peer, Result, into_page, machine, repeated, save, surroundings
from include.errors import PermanentError
from include.platform.benchmarks import benchmarks as listed
from include.settings import settings

FAST = Measure(
    name="life", value=61.25, unit="s", how="by the clock", goal=Goal(kind="at most", limit=90), digits=1,
    peer=Peer(name="empty ring", value=12.25),
)  # fmt: skip
WEAK = Measure(name="AUC", value=0.7, unit="", how="out of fold", goal=Goal(kind="at least", limit=0.72, because="r"))
GOOD = Measure(name="F1", value=0.7, unit="", how="out of fold", goal=Goal(kind="at least", limit=0.5))
PLAIN = Measure(name="rows", value=30000, unit="", how="counted", digits=0)


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Give a way to make a benchmark of some measures, and run it into a folder of the test's own."""
    monkeypatch.setattr(harness, "RESULTS", tmp_path)

    def run(*measures: Measure, resume: bool = False) -> tuple[bool, str]:
        module = types.ModuleType("benchmarks.made", "What is made.\n\nFor a test.")
        module.PART = "FLIGHTDECK_MADE"
        module.measures = lambda say: (say(f"· taking {each.name}") or each for each in measures)
        monkeypatch.setitem(sys.modules, "benchmarks.made", module)
        output = io.StringIO()
        return harness.run("made", Console(file=output, width=200), resume=resume), output.getvalue()

    return run


@pytest.mark.parametrize(
    ("kind", "value", "holds"),
    [
        ("at most", 30.0, True), ("at most", 30.01, False), ("at most", math.nan, False),
        ("at least", 30.0, True), ("at least", 29.99, False), ("at least", math.nan, False),
    ],
)  # fmt: skip
def test_a_goal_holds_up_to_its_limit_and_never_for_what_is_no_number(kind, value, holds):
    assert Goal(kind=kind, limit=30).holds(value) is holds
    assert Measure(name="m", value=value, unit="", how="h", goal=Goal(kind=kind, limit=30)).holds is holds


@pytest.mark.parametrize(
    ("value", "holds"), [(0.77, True), (0.83, True), (0.769, False), (0.831, False), (math.nan, False)]
)
def test_a_goal_between_two_limits_is_missed_on_either_side(value, holds):
    goal = Goal(kind="between", limit=0.77, upper=0.83, because="r")
    assert goal.holds(value) is holds
    assert str(goal) == "between 0.77 and 0.83 (r)"


@pytest.mark.parametrize("limits", [{"kind": "between"}, {"kind": "at most", "upper": 2}])
def test_a_goal_has_a_second_limit_only_where_it_needs_one(limits):
    with pytest.raises(ValidationError, match="between two, and only there"):
        Goal(limit=1, **limits)


def test_a_row_shows_value_goal_and_ratio():
    assert FAST.cells() == ["life", "61.2 s", "at most 90", "yes", "empty ring: 12.2", "5"]
    assert WEAK.cells() == ["AUC", "0.70", "at least 0.72 (r)", "NO", "", ""]
    assert PLAIN.cells() == ["rows", "30,000", "", "", "", ""]


def test_a_run_prints_its_progress_and_its_table_and_keeps_both_files(made, tmp_path):
    held, said = made(FAST, PLAIN)
    assert held
    assert said.index("made: What is made.") < said.index("· taking life") < said.index("life · 61.2 s · at most 90")
    found = json.loads((tmp_path / "made.json").read_text())
    assert [each["name"] for each in found["measures"]] == ["life", "rows"]
    assert found["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert {"python", "scikit-learn", "apache-airflow"} <= set(found["machine"]["versions"])
    assert Result.model_validate(found).measures == (FAST, PLAIN)
    text = (tmp_path / "made.md").read_text()
    assert "| life | 61.2 s | at most 90 | yes | empty ring: 12.2 | 5 |" in text
    assert "- *life*: by the clock" in text
    assert "Broken off" not in text
    assert {path.name for path in tmp_path.iterdir()} == {"made.json", "made.md"}


def test_one_missed_goal_fails_the_run_and_is_kept_all_the_same(made, tmp_path):
    held, said = made(FAST, WEAK)
    assert not held
    assert "AUC · 0.70 · at least 0.72 (r) · NO" in said
    assert "| NO |" in (tmp_path / "made.md").read_text()


@pytest.fixture
def in_sections(monkeypatch, made):
    """Give a way to run a benchmark of two sections, which may break in the second, and go on with it."""
    module = types.ModuleType("benchmarks.made", "What is made.")
    drawn = []

    def measures(say, had=()):
        if PLAIN.name not in had:
            yield from (FAST, PLAIN)
        yield WEAK.model_copy(update={"goal": None})
        if module.breaks:
            raise KeyboardInterrupt
        yield GOOD

    module.measures, module.plot = measures, lambda measures: drawn.append([each.name for each in measures])

    def run(*, breaks, resume=False):
        module.breaks = breaks
        monkeypatch.setitem(sys.modules, "benchmarks.made", module)
        with pytest.raises(KeyboardInterrupt) if breaks else contextlib.nullcontext():
            return harness.run("made", Console(file=io.StringIO(), width=200), resume=resume)

    run.drawn = drawn
    return run


def test_a_run_that_is_broken_off_takes_nobody_the_table_and_is_gone_on_with(in_sections, made, tmp_path):
    made(FAST)
    before = (tmp_path / "made.md").read_text()
    in_sections(breaks=True)
    assert (tmp_path / "made.md").read_text() == before
    unended = Result.model_validate_json((tmp_path / "made.unended.json").read_text())
    assert [each.name for each in unended.measures] == ["life", "rows", "AUC"]
    assert in_sections(breaks=False, resume=True)
    found = Result.model_validate_json((tmp_path / "made.json").read_text())
    assert [each.name for each in found.measures] == ["AUC", "F1"]
    assert [each.name for each in found.all()] == ["life", "rows", "AUC", "F1"]
    assert in_sections.drawn == [["life", "rows", "AUC", "F1"]]
    text = (tmp_path / "made.md").read_text()
    assert text.count("| AUC |") == text.count("| life |") == 1
    assert re.search(r"^Measured on .*\nBroken off, and gone on with from \*AUC\*: ", text)
    assert not (tmp_path / "made.unended.json").exists()


def test_a_goal_that_was_missed_before_a_run_was_broken_off_is_missed_after_it(in_sections, tmp_path):
    in_sections(breaks=True)
    path = tmp_path / "made.unended.json"
    missed = WEAK.model_copy(update={"name": PLAIN.name})
    unended = Result.model_validate_json(path.read_text())
    path.write_text(unended.model_copy(update={"measures": (missed,)}).model_dump_json())
    assert not in_sections(breaks=False, resume=True)


def test_only_what_was_broken_off_and_has_sections_can_be_gone_on_with(in_sections, made):
    with pytest.raises(PermanentError, match=r"a run that was broken off.*none"):
        in_sections(breaks=False, resume=True)
    with pytest.raises(PermanentError, match="one that measures all in one go"):
        made(FAST, resume=True)


@pytest.mark.parametrize("other", [{"cores": 200}, {"memory_gib": 0.5}, {"versions": {"python": "2.7", "mlflow": "1"}}])
def test_what_another_machine_has_measured_is_not_gone_on_with(in_sections, tmp_path, other):
    in_sections(breaks=True)
    path = tmp_path / "made.unended.json"
    unended = Result.model_validate_json(path.read_text())
    elsewhere = unended.machine.model_copy(update={"versions": unended.machine.versions | other.pop("versions", {})})
    path.write_text(unended.model_copy(update={"machine": elsewhere.model_copy(update=other)}).model_dump_json())
    with pytest.raises(PermanentError, match="on a machine like this"):
        in_sections(breaks=False, resume=True)


def test_another_build_of_the_kernel_is_gone_on_with_and_named(in_sections, tmp_path):
    in_sections(breaks=True)
    path = tmp_path / "made.unended.json"
    unended = Result.model_validate_json(path.read_text())
    before = unended.machine.model_copy(update={"versions": unended.machine.versions | {"platform": "Linux-0.1"}})
    path.write_text(unended.model_copy(update={"machine": before}).model_dump_json())
    assert in_sections(breaks=False, resume=True)
    first, second = (tmp_path / "made.md").read_text().splitlines()[:2]
    assert "Linux-0.1" in first
    assert machine().versions["platform"] in second


def test_a_part_is_printed_and_takes_nobody_anything(made, tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTDECK_MADE", "few")
    held, said = made(FAST)
    assert held
    assert "life · 61.2 s" in said
    assert "not saved: this was the part that FLIGHTDECK_MADE=few asked for" in said
    assert not list(tmp_path.iterdir())


def test_beside_a_peer_of_zero_there_is_no_ratio():
    assert FAST.model_copy(update={"peer": Peer(name="nothing", value=0.0)}).cells()[-1] == ""


def test_a_benchmark_finds_recordings_but_no_services_and_leaves_no_trace(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://someone.example")
    before = dict(os.environ)
    with surroundings():
        assert settings().s3_endpoint == "http://127.0.0.1:1"
        os.environ["FLIGHTDECK_BUCKET"] = "another"
    assert dict(os.environ) == before


def test_a_page_shows_the_saved_tables_between_their_marks(tmp_path):
    save(Result(benchmark="made", machine=machine(), measures=(FAST,)), tmp_path)
    page = "# Title\n<!-- made -->\nold numbers\n<!-- /made -->\nmore words\n"
    shown = into_page(page, tmp_path)
    assert "old numbers" not in shown
    assert "| life | 61.2 s |" in shown
    assert shown.startswith("# Title\n<!-- made -->\nMeasured on ")
    assert shown.endswith("<!-- /made -->\nmore words\n")
    assert into_page(shown, tmp_path) == shown
    assert into_page("<!-- never -->\nran\n<!-- /never -->", tmp_path) == "<!-- never -->\nran\n<!-- /never -->"


def test_rounds_are_kept_by_name():
    numbers = iter(range(6))
    assert repeated(3, lambda: iter([("a", next(numbers)), ("b", next(numbers))])) == {"a": [0, 2, 4], "b": [1, 3, 5]}


def test_every_benchmark_says_in_its_first_line_what_it_is_about():
    assert {"credit", "platform"} <= set(listed())
    assert not {"harness", "__init__", "competition", "intervals", "weeks"} & set(
        listed()
    )  # they help, and measure nothing
    assert all(about.endswith(".") for about in listed().values()), listed()
