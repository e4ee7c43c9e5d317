"""The evaluation store with a real MLflow: the first evaluation is the training's, the same one is kept once."""

from __future__ import annotations

import math

import pytest

from include.errors import MissingMetricError, PermanentError
from include.models import evaluations as store
from include.models import registry, tracking
from include.models.evaluations import WindowEvaluation, evaluations, keep_first, record
from include.records import Estimate
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import BAD, evaluation
from tests.services.models.made_versions import day, trained
from tests.small_shop import SPEC as SHOP

pytestmark = pytest.mark.usefixtures("stack")


def around(value, reach=0.01):
    return Estimate(value=value, low=value - reach, high=value + reach)


def window(week=1, *, source="online", auc=0.77, verdict="healthy", **given):
    facts = {"first_day": day(7 * week), "last_day": day(7 * week + 6), "rows": 900, "metrics": {"auc": around(auc)}}
    return WindowEvaluation(source=source, verdict=verdict, **{**facts, **given})


@pytest.fixture
def ref():
    return trained(SPEC, day(0))["default"]


def test_a_training_is_the_first_evaluation_of_its_version(ref):
    judged = evaluation(ref, metrics={"auc": around(0.78), "brier": around(0.14)})
    keep_first(SPEC, judged, first_day=day(-20), last_day=day(0))
    (line,) = evaluations(SPEC).to_dict("records")
    assert line == {
        "key": "default", "version": 1, "source": "offline", "first_day": day(-20), "last_day": day(0), "rows": 5000,
        "metric": "auc", "value": 0.78, "low": 0.77, "high": 0.79, "verdict": "first", "run_id": ref.run_id,
    }  # fmt: skip
    assert evaluations(SPEC, metric="brier")["value"].tolist() == [0.14]
    assert registry.classification_of(ref) == judged


@pytest.mark.parametrize(
    ("given", "said"),
    [({"route": "refresh"}, "refresh"), ({"route": None}, "not better"), ({"gates": (BAD,)}, "gates fail")],
)
def test_the_first_evaluation_says_what_came_of_it(ref, given, said):
    keep_first(SPEC, evaluation(ref, **given), first_day=day(-20), last_day=day(0))
    assert evaluations(SPEC)["verdict"].tolist() == [said]


def test_windows_come_in_order_the_newest_last_and_as_many_as_are_asked_for(ref):
    for week in (2, 1, 3):
        record(SPEC, "default", ref, window(week, auc=0.7 + week / 100))
    assert evaluations(SPEC)["last_day"].tolist() == [day(13), day(20), day(27)]
    assert evaluations(SPEC, last=2)["value"].tolist() == [0.72, 0.73]


def test_an_evaluation_is_a_finished_run_below_its_training(ref):
    run = tracking.client().get_run(record(SPEC, "default", ref, window()))
    assert (run.info.status, run.data.tags["mlflow.parentRunId"]) == ("FINISHED", ref.run_id)
    assert run.data.metrics == {"rows": 900, "auc": 0.77, "auc_low": 0.76, "auc_high": 0.78}


def test_what_is_recorded_again_replaces_what_was_there(ref):
    runs = {record(SPEC, "default", ref, window(auc=auc, verdict=said)) for auc, said in ((0.77, "x"), (0.71, "watch"))}
    (line,) = evaluations(SPEC).to_dict("records")
    assert ({line["run_id"]}, line["value"], line["verdict"]) == (runs, 0.71, "watch")


def test_sources_windows_and_versions_are_told_apart(ref):
    second = trained(SPEC, day(7))["default"]
    for whose, source, week in ((ref, "online", 1), (ref, "estimate", 1), (ref, "online", 2), (second, "replay", 2)):
        record(SPEC, "default", whose, window(week, source=source))
    found = evaluations(SPEC)[["version", "source", "first_day"]].to_numpy().tolist()
    assert found == [[1, "estimate", day(7)], [1, "online", day(7)], [1, "online", day(14)], [2, "replay", day(14)]]


def test_of_many_models_one_is_found_by_its_key(stack):
    metrics = {"rebuy_ndcg": around(0.4)}
    refs = trained(SHOP, day(0))
    for key, each in refs.items():
        record(SHOP, key, each, window(metrics=metrics))
    one = SHOP.keys[0]
    assert set(evaluations(SHOP)["key"]) == set(SHOP.keys)
    assert evaluations(SHOP, key=one)["key"].tolist() == [one]
    parents = {tracking.parent_of(each) for each in evaluations(SHOP)["run_id"]}
    assert parents == {tracking.parent_of(refs[one].run_id)}, "all stand below the one training"
    with pytest.raises(PermanentError, match="saw 'nowhere'"):
        evaluations(SHOP, key="nowhere")


def test_nothing_recorded_is_an_empty_table(ref):
    assert evaluations(SPEC).columns.tolist() == list(store.COLUMNS)
    assert evaluations(SPEC).empty
    assert evaluations(SHOP).empty


def test_a_metric_that_an_evaluation_lacks_is_no_number(ref):
    record(SPEC, "default", ref, window())
    assert evaluations(SPEC, metric="brier")["value"].isna().all()


@pytest.mark.parametrize("metrics", [{}, {"brier": around(0.14)}, {"auc": around(math.nan)}])
def test_an_evaluation_without_its_primary_metric_is_refused(ref, metrics):
    with pytest.raises(MissingMetricError, match="expected a value of the primary metric 'auc'"):
        record(SPEC, "default", ref, window(metrics=metrics))
    assert evaluations(SPEC).empty


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(PermanentError, match="saw 2026-05-13 to 2026-05-07"):
        window(first_day=day(13), last_day=day(7))
