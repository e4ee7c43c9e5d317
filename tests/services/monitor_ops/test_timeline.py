"""A timeline read back from real stores: tables, MLflow, journal and incidents, each told once and on its own day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include import incidents
from include.clock import business_time
from include.data.ingest import TRUTH
from include.data.tables import Table
from include.deployment.journal import Journal
from include.models import tracking
from include.monitor_ops.monitor import VERDICT
from include.monitor_ops.timeline import read_timeline, verdict_of
from include.monitor_ops.timeline_page import write_timeline
from include.records import Estimate
from include.serving.batch import PREDICTIONS
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import change_to, ref, said

START, WEEK = dt.date(2025, 4, 21), dt.timedelta(days=7)
STEPS = [(START + number * WEEK, START + number * WEEK + dt.timedelta(days=6)) for number in range(3)]
LAST = [last for _, last in STEPS]
FORETOLD = Estimate(value=0.76, low=0.75, high=0.77)


@pytest.fixture
def timeline(stack):
    """Give the timeline of three weeks: calm, an alarm with a training that is promoted, one without a word."""
    _scored(START, sequence=1, good=True)
    _scored(START, sequence=2, good=False)
    _monitored(LAST[0], "first", "healthy", "none")
    _monitored(LAST[1], "second", "retrain", "environment")
    _monitored(LAST[1], "third", "watch", "none")
    tracking.open_run(SPEC.name, "of another task, without a word", pipeline_run=f"{SPEC.name}_monitor/second")
    _trained(LAST[1], "one", drift_confirmed="columns moved")
    _trained(LAST[2], "two", drift_confirmed="")
    journal = Journal(SPEC.name)
    journal.append(change_to(ref()), request_id="promote", **{**said(), "at": business_time(LAST[1])})
    for try_number in (1, 2):
        _called(LAST[1].isoformat(), try_number)
    _called("", 1)
    _called("1999-01-01", 1)
    return read_timeline(SPEC, STEPS, scenario="drift", changed_from=STEPS[1][0])


def test_quality_is_that_of_the_scores_given_first_where_the_truth_is_known(timeline):
    known, *later = [each.quality for each in timeline.steps]
    assert known.value > 0.9
    assert later == [None, None]


def test_a_window_has_the_first_word_about_it_and_what_was_foretold(timeline):
    assert [(each.verdict, each.cause) for each in timeline.steps] == [
        ("healthy", "none"), ("retrain", "environment"), ("", ""),
    ]  # fmt: skip
    assert [each.estimated for each in timeline.steps] == [FORETOLD, FORETOLD, None]


def test_each_thing_that_happened_is_told_once_on_its_day(timeline):
    assert [(each.day, each.kind) for each in timeline.moments] == [
        (LAST[1], "alarm"), (LAST[1], "asked"), (LAST[1], "promoted"), (LAST[1], "called"), (LAST[2], "trained"),
        (LAST[2], "refused"),
    ]  # fmt: skip
    assert timeline.truth_from == STEPS[1][0] + dt.timedelta(days=30)


def test_one_run_of_the_monitor_has_its_own_word(timeline):
    assert verdict_of(SPEC, "third").verdict == "watch"
    assert verdict_of(SPEC, "never ran").verdict == ""


def test_the_monitors_pages_are_kept_beside_the_timeline(timeline, tmp_path):
    page = write_timeline(timeline, [], tmp_path)
    assert f'href="pages/{LAST[1]}.html"' in page.read_text()
    assert (tmp_path / "pages" / f"{LAST[1]}.html").read_text() == "<p>second</p>"


def _scored(first, *, sequence, good):
    """Score the clients of a week; badly means at random, and their truth is known."""
    lots = np.random.default_rng(sequence)
    failed = np.arange(300) % 3 == 0
    score = np.where(failed, 0.6, 0.2) + lots.normal(0, 0.05, 300) if good else lots.random(300)
    day = [first + dt.timedelta(days=number % 7) for number in range(300)]
    log = pd.DataFrame({"day": day, "ID": np.arange(300), "score": score, "sequence": sequence})
    known = pd.Timestamp(business_time(first + dt.timedelta(days=40)))
    truth = log[["day", "ID"]].assign(default=failed.astype(int), available_at=known)
    truth = truth.astype({"available_at": "datetime64[us, UTC]"})
    last = first + dt.timedelta(days=6)
    Table(SPEC.name, PREDICTIONS).update(first, last, lambda present: pd.concat([present, log]), run=f"s{sequence}")
    Table(SPEC.name, TRUTH).update(first, last, lambda present: truth, run=f"t{sequence}")


def _monitored(day, run, verdict, cause):
    run_id = tracking.open_run(SPEC.name, f"monitor {day}", pipeline_run=f"{SPEC.name}_monitor/{run}")
    tracking.log_params(run_id, {"verdict": verdict, "cause": cause, "reason": "as it was said"})
    tracking.log_json(run_id, VERDICT, {"foretold": {SPEC.primary_metric: FORETOLD.model_dump()}})
    tracking.log_report(run_id, "monitor.html", f"<p>{run}</p>")


def _trained(day, run, *, drift_confirmed):
    run_id = tracking.open_run(SPEC.name, f"train {day}", pipeline_run=f"{SPEC.name}_train/{run}")
    tracking.child_run(run_id, "search", pipeline_run=f"{SPEC.name}_train/{run}")
    facts = {"as_of": day.isoformat(), "drift_confirmed": drift_confirmed, "reason": "by hand"}
    tracking.log_json(run_id, tracking.TRAINING, facts)


def _called(partition, try_number):
    incidents.record(
        incidents.Incident(
            use_case=SPEC.name, team=SPEC.team, dag_id=f"{SPEC.name}_monitor", run_id=f"run of {partition}",
            task_id="call_team", try_number=try_number, partition=partition, error="PermanentError", message="look",
            log_url="", at=business_time(START),
        )
    )  # fmt: skip
