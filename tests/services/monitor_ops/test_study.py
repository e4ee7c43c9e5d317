"""The retraining study on small use cases of each kind: planned, fitted in chunks, concluded, and what it refuses."""

from __future__ import annotations

import datetime as dt

import pytest

from include.data.ingest import ingest
from include.data.readings import ingest_readings
from include.errors import MissingMetricError, PermanentError, SourceError
from include.models import tracking
from include.monitor_ops.study import PLOT, REPORT, Asked, conclude, fit_chunk, open_study, plan
from include.monitor_ops.study_material import ONE, Plan
from include.monitoring.worth import Answer
from tests import small_grid, small_shop
from tests.conftest import REPLAY_START
from tests.second_use_case.tumours import SPEC as TUMOURS

pytestmark = pytest.mark.usefixtures("stack")
TUMOURS_FIRST = REPLAY_START - dt.timedelta(days=TUMOURS.source.history_days)
SMALL = {
    "classifier": (TUMOURS, TUMOURS_FIRST, TUMOURS_FIRST + dt.timedelta(days=59)),
    "forecast": (small_grid.SPEC, small_grid.START, small_grid.START + dt.timedelta(days=160)),
    "recommender": (small_shop.SPEC, small_shop.START, small_shop.START + dt.timedelta(days=40)),
}


@pytest.fixture
def landed(stack, monkeypatch, request):
    """Land a small use case, and give its spec."""
    monkeypatch.setenv("FLIGHTDECK_USE_CASES", "tests tests.second_use_case")
    small_grid.JUMPED.clear()
    spec, first, last = SMALL[request.param]
    land = ingest if spec is TUMOURS else ingest_readings
    land(spec, first_day=first, last_day=last, run="test/ingest")
    return spec


def studied(spec, asked, *, chunks=2):
    """Make a whole study, and return its run, its answer and the lines that were said."""
    run_id, lines = open_study(spec, asked, pipeline_run=f"{spec.name}_study/test"), []
    for chunk in range(chunks):
        fit_chunk(spec, run_id, chunk, chunks, say=lines.append)
    return run_id, conclude(spec, run_id, chunks), lines


@pytest.mark.slow
@pytest.mark.parametrize(
    ("landed", "days", "family"),
    [
        ("classifier", 7, "scorecard"),
        ("forecast", 6, "kernel"),
        ("recommender", 2, "ease"),
    ],
    indirect=["landed"],
)
def test_a_study_says_how_often_to_retrain_and_shows_it(landed, days, family):
    run_id, found, lines = studied(landed, Asked(window_days=days, every=(1, 2, 4)))
    planned = tracking.load_record(run_id, "plan.json", Plan)
    assert planned.family == family
    assert len(planned.windows) >= 6
    assert all(one.last + ONE == other.first for one, other in zip(planned.windows, planned.windows[1:], strict=False))
    assert [one.replayed.cadence for one in found.standings] == [
        "every 1", "every 2", "every 4", "never", "on drift", "on loss",
    ]  # fmt: skip
    assert found.recommended in {one.replayed.cadence for one in found.standings if one.good_enough}
    assert len(lines) == len(planned.windows)
    assert found.judged == tuple(range(len(planned.windows)))
    page = tracking.load_text(run_id, REPORT)
    assert found.said in page
    assert all(one.replayed.cadence in page for one in found.standings)
    assert tracking.fetch(run_id, PLOT, lambda path: path.read_bytes())[:4] == b"\x89PNG"
    assert tracking.load_record(run_id, "answer.json", Answer) == found
    assert conclude(landed, run_id, 2) == found  # a cleared task


@pytest.mark.slow
@pytest.mark.parametrize("landed", ["classifier"], indirect=True)
def test_a_model_learns_nothing_of_its_window_nor_of_truth_that_was_not_known(landed):
    from include.monitor_ops.study_credit import material

    planned = plan(landed, Asked(window_days=7))
    window = planned.windows[2]
    made = material(landed, planned).fit(window)
    known = material(landed, planned)
    known._rows = known._rows.loc[known._rows["day"] <= landed.matured_until(window.first - ONE)]
    again = known.fit(window)
    rows = material(landed, planned)._rows[landed.model_columns]
    assert made.model.predict(rows).tolist() == again.model.predict(rows).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("landed", ["recommender"], indirect=True)
def test_days_that_cannot_be_fitted_and_judged_are_named(landed):
    early = small_shop.START + dt.timedelta(days=3)
    with pytest.raises(PermanentError, match=rf"days within .* {early} to"):
        plan(landed, Asked(first_day=early))
    with pytest.raises(PermanentError, match="days within"):
        plan(landed, Asked(last_day=early))


@pytest.mark.slow
@pytest.mark.parametrize("landed", ["recommender"], indirect=True)
def test_a_study_keeps_its_newest_whole_windows(landed):
    last = small_shop.START + dt.timedelta(days=40)
    planned = plan(landed, Asked(first_day=last - dt.timedelta(days=9), window_days=4))
    assert [(each.first, each.last) for each in planned.windows] == [
        (last - dt.timedelta(days=7), last - dt.timedelta(days=4)), (last - dt.timedelta(days=3), last),
    ]  # fmt: skip


@pytest.mark.parametrize("landed", ["recommender"], indirect=True)
def test_a_chunk_that_has_left_nothing_is_named(landed):
    run_id = open_study(landed, Asked(window_days=2), pipeline_run="small_shop_study/broken")
    with pytest.raises(MissingMetricError, match=r"fits/0\.json"):
        conclude(landed, run_id, 1)


@pytest.mark.parametrize("kind", list(SMALL))
def test_nothing_landed_is_said(stack, kind):
    with pytest.raises(SourceError, match="ingest"):
        plan(SMALL[kind][0], Asked())
