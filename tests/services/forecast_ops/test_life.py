"""The life of a forecast on a small grid: trained, promoted, issued, watched, and what happens when a part breaks."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.clock import business_time
from include.data.readings import ingest_readings
from include.data.tables import Table
from include.deployment.journal import Journal
from include.deployment.promotion import promote_many
from include.forecast_ops import artifact, training
from include.forecast_ops.clean_check import check
from include.forecast_ops.issue import issue
from include.forecast_ops.promises import keep_promises
from include.forecast_ops.reproduce import reproduce
from include.forecast_ops.timeline import publish_timeline
from include.forecast_ops.watch import flagged, joined_truth, watch
from include.models import keyed, registry
from include.models.evaluations import evaluations
from tests import small_grid
from tests.small_grid import SPEC as GRID
from tests.small_grid import START

TRAINED = START + dt.timedelta(days=199)


def day(number):
    return TRAINED + dt.timedelta(days=number)


def land(first, last):
    ingest_readings(GRID, first_day=first, last_day=last, run=f"ingest/{last}")


def train(as_of, keys=GRID.keys, drift=""):
    run_id = training.prepare(
        GRID, as_of=as_of, keys=keys, pipeline_run=f"train/{as_of}", originator="omar", originator_source="schedule",
        reason="test", try_number=1, airflow={"drift_confirmed": drift},
    )  # fmt: skip
    for batch in GRID.batches:
        training.train(GRID, run_id, batch)
    return keyed.outcome(GRID, run_id, what=training.WHAT)


def promote(made, as_of):
    return promote_many(GRID, made, run=f"deploy/{as_of}", at=business_time(as_of))


def judged(number):
    """Land a day, forecast the next ones, and return what the watch says, also of each series."""
    land(day(number), day(number))
    issue(GRID, as_of=day(number), pipeline_run=f"forecast/{number}")
    found = watch(GRID, as_of=day(number), pipeline_run=f"watch/{number}")
    table = Table(GRID.name, "verdicts")
    verdicts = table.read(first_day=day(number), last_day=day(number)) if table.exists() else pd.DataFrame()
    return found, verdicts.set_index("series") if len(verdicts) else verdicts


@pytest.fixture
def trained(stack, monkeypatch):
    """Give the versions of all series; zone 2 breaks where the test has asked for it."""
    monkeypatch.setenv("FLIGHTDECK_USE_CASES", "tests")
    small_grid.JUMPED.clear()
    land(START, TRAINED)
    return train(TRAINED)


def test_every_series_has_a_champion_that_answers_as_at_its_training(trained):
    made, broken = trained
    assert set(made) == {"1", "2", "3", "total"}
    assert broken == {}
    check(GRID, made)
    outcome = promote(made, TRAINED)
    assert outcome.promoted
    assert Journal(GRID.name).sequence() == 1, "one entry moves them all"
    state = Journal(GRID.name).state()
    assert {key: state.of(key).champion for key in GRID.keys} == made
    evaluation = registry.forecast_of(made["1"])
    stored = evaluations(GRID, key="1").iloc[-1]
    assert (stored["version"], stored["last_day"], stored["source"]) == (made["1"].version, TRAINED, "offline")
    assert stored["low"] < stored["value"] == evaluation.metrics["mape"].value < stored["high"]
    assert set(evaluations(GRID)["key"]) == set(GRID.keys)
    assert evaluation.route == "first"
    assert evaluation.family == "kernel"
    assert evaluation.families["kernel"]["mape"] < min(evaluation.families[name]["mape"] for name in GRID.simple)
    assert promote(made, TRAINED).entry.sequence == 1, "repeated, it finds the entry it has made"


def test_an_issue_adds_up_has_a_band_and_is_the_same_when_repeated(trained):
    made, _ = trained
    promote(made, TRAINED)
    land(day(1), day(1))
    issued = issue(GRID, as_of=day(1), pipeline_run="forecast/1")
    assert issued.fallen_back == {}
    assert issued.no_band == ""
    rows = Table(GRID.name, "forecasts").read()
    assert len(rows) == 4 * 48
    wide = rows.pivot(index="time", columns="series", values="load_kw")
    assert np.allclose(wide[["1", "2", "3"]].sum(axis=1), wide["total"], rtol=1e-9)
    assert (rows["q10"] <= rows["q90"]).all()
    assert rows["time"].min().date() == day(2)
    energy = Table(GRID.name, "forecast_periods").read().pivot(index="series", columns="period", values="energy_kwh")
    by_day = rows.groupby(["series", rows["time"].dt.date.astype(str)])["load_kw"].sum().unstack()
    assert np.allclose(energy[by_day.columns], by_day, rtol=1e-9)
    assert np.allclose(energy["whole"], by_day.sum(axis=1), rtol=1e-9)
    issue(GRID, as_of=day(1), pipeline_run="forecast/again")
    again = Table(GRID.name, "forecasts").read().drop(columns="pipeline_run")
    order = ["series", "time"]
    first = rows.drop(columns="pipeline_run").sort_values(order, ignore_index=True)
    assert first.equals(again.sort_values(order, ignore_index=True))


@pytest.mark.slow
def test_without_a_champion_a_simple_forecaster_answers_and_says_why(trained):
    land(day(1), day(1))
    issued = issue(GRID, as_of=day(1), pipeline_run="forecast/1")
    assert set(issued.fallen_back) == set(GRID.keys)
    rows = Table(GRID.name, "forecasts").read()
    assert set(rows["family"]) == {"similar_day"}
    assert rows["fallback"].str.startswith("no champion").all()
    assert rows["load_kw"].gt(0).all()


@pytest.mark.slow
def test_a_swapped_artifact_falls_back_for_its_zone_alone(trained):
    from include.data.objects import ObjectStore

    made, _ = trained
    promote(made, TRAINED)
    land(day(1), day(1))
    store = ObjectStore("mlflow")
    (path,) = [key for key in store.list_from("") if key.endswith("model.skops") and made["2"].run_id in key]
    store.put(path, store.get(path) + b"\0")
    issued = issue(GRID, as_of=day(1), pipeline_run="forecast/1")
    assert set(issued.fallen_back) == {"2"}
    assert "expected an artifact with digest" in issued.fallen_back["2"]


@pytest.mark.slow
def test_a_series_whose_training_breaks_keeps_its_champion(trained, monkeypatch):
    made, _ = trained
    promote(made, TRAINED)
    pack = artifact.pack

    def broken(spec, forecaster, **more):
        if forecaster.key == "2":
            raise ValueError("singular")
        return pack(spec, forecaster, **more)

    monkeypatch.setattr(artifact, "pack", broken)
    land(day(1), day(8))
    new, failed = train(day(8))
    assert set(new) == {"1", "3", "total"}
    assert failed == {"2": "ValueError: singular"}
    outcome = promote(new, day(8))
    assert outcome.promoted
    state = Journal(GRID.name).state()
    assert state.of("2").champion == made["2"]
    assert state.of("1").champion == new["1"]
    assert registry.forecast_of(new["1"]).route == "refresh"


@pytest.mark.slow
def test_a_jump_is_named_its_series_alone_is_trained_and_the_error_falls(trained):
    made, _ = trained
    promote(made, TRAINED)
    small_grid.JUMPED["3"] = day(3)
    for number in range(1, 13):
        found, _ = judged(number)
        if found.keys:
            assert "3" in found.keys
            assert set(found.keys) <= {"3", "total"}
            assert "times that of the days before, since 2008-01-19" in found.reason
            assert flagged(GRID, day(number)) == found.keys
            new, broken = train(day(number), found.keys, found.reason)
            assert broken == {}
            assert promote(new, day(number)).promoted
    assert Journal(GRID.name).sequence() > 1
    assert Journal(GRID.name).state().of("3").champion != made["3"]
    assert Journal(GRID.name).state().of("1").champion == made["1"]
    land(day(13), day(13))
    joined = joined_truth(GRID, as_of=day(13), days=13)
    mine = joined.loc[(joined["series"] == "3") & (joined["day_ahead"] == 1)]
    share = mine.groupby(mine["time"].dt.date)[["load_kw", "actual_kw"]].mean()
    share = share["load_kw"] / share["actual_kw"]
    (recovery,) = [
        each for each in publish_timeline(GRID, first_day=day(2), last_day=day(13)).recoveries if each.series == "3"
    ]
    assert recovery.entry.sequence == 2
    assert recovery.after < 0.5 * recovery.before
    assert "times that of the days before" in recovery.sentence
    assert share[day(3)] < 0.6, "nobody could know"
    assert 0.85 < share[day(13)] < 1.15, "the level is learned"


@pytest.mark.slow
def test_a_training_that_nobody_promoted_makes_the_watch_wait(trained):
    made, _ = trained
    promote(made, TRAINED)
    small_grid.JUMPED["3"] = day(3)
    said = {}
    judged(1)  # nothing that was forecast has come yet
    for number in range(2, 9):
        found, verdicts = judged(number)
        said[number] = verdicts.loc["3"]
        if "3" in found.keys:
            train(day(number), ("3",), found.reason)
    assert [number for number, each in said.items() if each["verdict"] == "retrain"] == [4, 7]
    assert said[5]["verdict"] == "watch"
    assert said[5]["reason"].endswith(f"1 retraining did not end what was found; the next is due on {day(7)}")


@pytest.mark.slow
def test_what_the_total_showed_and_what_tomorrow_foretells_is_kept(trained):
    made, _ = trained
    promote(made, TRAINED)
    for number in range(1, 7):
        land(day(number), day(number))
        issue(GRID, as_of=day(number), pipeline_run=f"forecast/{number}")
    watch(GRID, as_of=day(6), pipeline_run="watch/6")
    kept = evaluations(GRID, key=GRID.total).set_index("source")
    shown, foretold = kept.loc["online"], kept.loc["estimate"]
    assert (shown["first_day"], shown["last_day"], shown["rows"]) == (day(2), day(6), 5 * 24)
    assert (foretold["first_day"], foretold["rows"]) == (day(7), 24)
    assert 0 < foretold["low"] < foretold["value"] < foretold["high"]
    land(day(7), day(7))
    joined = joined_truth(GRID, as_of=day(7), days=1)
    came = joined.loc[(joined["series"] == GRID.total) & (joined["day_ahead"] == 1)]
    error = float(100 * ((came["load_kw"] - came["actual_kw"]).abs() / came["actual_kw"]).mean())
    assert foretold["low"] < error < foretold["high"]

    joined = joined_truth(GRID, as_of=day(7), days=7)
    keep_promises(GRID, made[GRID.total], made[GRID.total], joined, day(7))
    again = evaluations(GRID, key=GRID.total).set_index("source").loc["replay"]
    own = joined.loc[(joined["series"] == GRID.total) & (joined["day_ahead"] == 1)]
    error = float(100 * ((own["base_kw"] - own["actual_kw"]).abs() / own["actual_kw"]).mean())
    assert (again["first_day"], again["last_day"]) == (day(2), day(7))
    assert again["value"] == pytest.approx(error), "what is forecast again is what was forecast then"


def test_a_version_is_rebuilt_to_the_same_forecast_whatever_landed_since(trained):
    made, _ = trained
    land(day(1), day(2))
    for key in ("2", GRID.total):
        found = reproduce(GRID, key, made[key].version)
        assert found.identical, found.sentence
        assert found.rows == 48


@pytest.mark.slow
def test_a_backfill_gives_what_would_have_been_forecast_then(trained):
    made, _ = trained
    promote(made, TRAINED)
    land(day(1), day(6))
    issue(GRID, as_of=day(2), pipeline_run="late")
    rows = Table(GRID.name, "forecasts").read()
    assert (rows["sequence"] == 1).all()
    early = issue(GRID, as_of=TRAINED - dt.timedelta(days=10), pipeline_run="earlier")
    assert early.sequence == 0, "no champion was live then, so a simple forecaster answers"
    assert set(early.fallen_back) == set(GRID.keys)
