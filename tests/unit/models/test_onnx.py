"""ONNX answers as the original: each family, each operation, and where they would part first (splits, NaN, zeros)."""

from __future__ import annotations

import re

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from include.models.features import LARGEST, OPERATIONS, Features
from include.models.fitting import Calibrated
from include.models.onnx import Converted, convert, converted, onnx_gate
from include.models.onnx_graph import INPUT, OUTPUT, Graph
from include.models.onnx_steps import single_columns
from include.records import ServingFacts
from include.serving.scorers import ClassificationScorer
from include.use_cases.credit_risk import SPEC
from tests.unit.models.made import made_model

COLUMNS = list(SPEC.model_columns)
AMOUNTS = [name for name in COLUMNS if name != "EDUCATION"]
NUMBERS = st.one_of(
    st.just(0.0), st.just(np.nan), st.integers(-3, 3).map(float), st.floats(-1e9, 1e9), st.floats(allow_infinity=False)
)


def facts_of(columns, typical=0.0):
    return ServingFacts(
        use_case="test", columns=columns, threshold=0.3, review_band=(0.2, 0.4),
        typical=dict.fromkeys(columns, typical), bounds={},
    )  # fmt: skip


def off(model, rows):
    """Return the largest difference between a model and its ONNX graph."""
    columns = model.model[0].columns
    answers = ClassificationScorer(convert(model), facts_of(columns)).score(rows[columns].to_numpy(dtype=float))
    return np.abs(answers - model.predict(rows)).max()


def around(values):
    """Return values as float32 with their neighbours in float32."""
    near = np.asarray(values, dtype=np.float32)
    return np.unique(np.concatenate([near, np.nextafter(near, -np.inf), np.nextafter(near, np.inf)])).astype(float)


def each_set_to(row, column, values):
    """Return copies of a row, one a value of a column."""
    rows = pd.concat([row] * len(values), ignore_index=True).astype(float)
    rows[column] = values
    return rows


@pytest.fixture(scope="module")
def rough():
    """Give 800 rows of few digits and many ties, with a target, and how a family sees them."""
    generator = np.random.default_rng(3)
    rows = pd.DataFrame({"a": generator.integers(0, 6, 800) / 10, "b": generator.normal(size=800)})
    rows.loc[::7, "b"] = np.nan
    rows["y"] = (generator.uniform(size=800) < 0.2 + 0.1 * (10 * rows["a"] % 3)).astype(int)
    return rows


def test_a_family_answers_as_the_original(fitted, clients):
    assert off(fitted[0], clients) < 1e-12


def test_a_family_answers_as_the_original_where_values_are_missing_or_have_other_digits(fitted, clients):
    generator = np.random.default_rng(11)
    wild = clients[COLUMNS].astype(float) * generator.choice([1, 0, -1, 1.1, 1e3], (len(clients), len(COLUMNS)))
    wild = wild.mask(generator.uniform(size=wild.shape) < 0.1)
    assert wild.isna().any().all()
    assert off(fitted[0], wild) < 1e-12


def test_a_model_knows_no_digits_behind_single_precision(fitted, clients):
    amounts = clients[COLUMNS].astype(float) / 3
    assert (amounts.astype(np.float32).astype(float) != amounts).any().any()
    assert np.array_equal(fitted[0].predict(amounts), fitted[0].predict(amounts.astype(np.float32)))


@pytest.mark.parametrize("op", OPERATIONS)
@settings(max_examples=60, deadline=None)
@given(rows=arrays(float, st.tuples(st.integers(1, 6), st.just(4)), elements=NUMBERS))
def test_each_operation_comes_to_the_same_single_number(op, rows):
    step = Features(["a", "b", "c", "d"], [("two", op, ["c", "a"]), ("more", op, ["b", "c", "d"])]).fit(None)
    graph = Graph()
    body = graph.model(4, single_columns(graph, step))
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3  # the graph says one number a row, and here are several
    session = onnxruntime.InferenceSession(body, quiet, providers=["CPUExecutionProvider"])
    with np.errstate(over="ignore"):
        (answers,) = session.run([OUTPUT], {INPUT: rows.astype(np.float32)})
    np.testing.assert_array_equal(answers, step.transform(pd.DataFrame(rows, columns=step.columns)))


@pytest.mark.parametrize("op", ["total", "mean", "slope"])
def test_a_sum_whose_order_matters_is_taken_in_the_same_order(op):
    names = list("abcdefg")
    step = Features(names, [("sum", op, names)]).fit(None)
    generator = np.random.default_rng(5)
    rows = generator.choice([3e17, -3e17, 0.3, 1.7, -0.9], (300, 7))
    both = [step.transform(pd.DataFrame(each, columns=names))[:, 7] for each in (rows, rows[:, ::-1])]
    assert (np.abs(both[0]) != np.abs(both[1])).any()
    graph = Graph()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        graph.model(7, single_columns(graph, step)), options, providers=["CPUExecutionProvider"]
    )
    for some in (rows, rows[:1], rows[:5]):
        (answers,) = session.run([OUTPUT], {INPUT: some.astype(np.float32)})
        np.testing.assert_array_equal(answers, step.transform(pd.DataFrame(some, columns=names)))


def test_what_single_precision_cannot_hold_becomes_its_largest():
    step = Features(["a", "b"], [("ratio", "ratio", ["a", "b"])]).fit(None)
    rows = step.transform(pd.DataFrame({"a": [1e300, -np.inf, 1.0], "b": [1.0, 1.0, 1e-45]}))
    assert rows[:, 0].tolist() == [LARGEST, -LARGEST, 1]
    assert rows[:, 2].tolist() == [LARGEST, -LARGEST, LARGEST]


def test_a_value_on_a_split_goes_the_same_way(rough):
    model = Calibrated(make_pipeline(
        Features(["a", "b"], [("sum", "total", ["a", "b"])]), HistGradientBoostingClassifier(max_iter=40)
    ).fit(rough, rough["y"]))  # fmt: skip
    nodes = np.concatenate([predictor.nodes for (predictor,) in model.model[1]._predictors])
    for place, column in enumerate(("a", "b")):
        used = nodes["num_threshold"][(nodes["is_leaf"] == 0) & (nodes["feature_idx"] == place)]
        assert len(used) > 20
        assert off(model, each_set_to(rough.loc[[1]], column, around(used))) < 1e-12


def test_a_threshold_between_two_singles_separates_them():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    rows = pd.DataFrame({"a": np.repeat([low, high], 50).astype(float)})
    model = Calibrated(make_pipeline(
        Features(["a"], []), HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)
    ).fit(rows, np.repeat([0, 1], 50)))  # fmt: skip
    assert np.ptp(model.predict(rows)) > 0.1
    assert off(model, rows) < 1e-12


def test_a_value_on_an_edge_of_a_scorecard_is_in_the_same_bin(clients):
    model, _ = made_model("scorecard")
    edges = model.model[1].bins_.edges_
    for place, column in enumerate(COLUMNS):
        if len(edges[place]):
            assert off(model, each_set_to(clients.loc[[1], COLUMNS], column, around(edges[place]))) < 1e-12


def test_a_value_on_a_quantile_has_the_same_rank_and_so_has_one_beyond_all(clients):
    model, _ = made_model("logistic")
    amounts = model.model[1].named_transformers_["amounts"]
    for column, knots in zip(AMOUNTS, amounts[1].quantiles_.T, strict=False):
        values = np.concatenate([around(knots), around(knots[[0, -1]] + 1e-7), [-1e30, 1e30, -LARGEST, LARGEST]])
        assert off(model, each_set_to(clients.loc[[1], COLUMNS], column, values)) < 1e-9, column


def test_a_name_that_is_rare_unknown_or_missing_counts_as_in_the_original(rough):
    names = rough.assign(a=np.where(rough.index < 5, 9, (10 * rough["a"]).round()))
    names.loc[::11, "a"] = np.nan
    for known in (names, names.dropna()):
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=20)
        model = Calibrated(make_pipeline(
            Features(["a", "b"], []), ColumnTransformer([("names", encoder, [0])]), LogisticRegression()
        ).fit(known, known["y"]))  # fmt: skip
        values = [*range(-1, 12), 0.5, np.nan]
        assert len(np.unique(model.predict(each_set_to(names.iloc[[1]], "a", values)))) > 4
        assert off(model, each_set_to(names.iloc[[1]], "a", values)) < 1e-12


def test_boosting_that_never_splits_is_a_constant(rough):
    model = Calibrated(make_pipeline(
        Features(["a", "b"], []), HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=500)
    ).fit(rough, rough["y"]))  # fmt: skip
    assert np.ptp(model.predict(rough)) == 0
    assert off(model, rough) < 1e-12


@pytest.mark.parametrize("end", [-20, 20])
def test_scores_are_bounded_as_the_calibration_bounds_them(rough, end):
    model = Calibrated(make_pipeline(
        Features(["a", "b"], []), HistGradientBoostingClassifier(max_iter=40)
    ).fit(rough, rough["y"]), slope=1.5, shift=-0.3)  # fmt: skip
    model.model[1]._baseline_prediction += end
    assert np.ptp(model.predict(rough)) == 0
    assert off(model, rough) < 1e-12


def unconvertible():
    """Yield models with a step, or a setting of one, that has no counterpart, and what is said of it."""
    first = Features(["a"], [])
    strict = ColumnTransformer([("names", OneHotEncoder(handle_unknown="error"), [0])])
    scaled = ColumnTransformer([("amounts", StandardScaler(), [0])])
    by_name = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0])
    yield r"pipeline: .*'StandardScaler'", make_pipeline(first, StandardScaler(), LogisticRegression())
    yield r"amounts: unknown step StandardScaler", make_pipeline(first, scaled, LogisticRegression())
    yield r"names: unknown step OneHotEncoder \(error\)", make_pipeline(first, strict, LogisticRegression())
    yield r"splits by categories", make_pipeline(first, by_name)
    yield r"simpleimputer: unknown step SimpleImputer", make_pipeline(SimpleImputer(), LogisticRegression())


def test_a_step_that_is_not_known_fails_the_gate_by_its_name(rough):
    rows = (10 * rough[["a"]]).round()
    for reason, pipeline in unconvertible():
        found = converted(Calibrated(pipeline.fit(rows, rough["y"])))
        assert found.body is None, reason
        gate = onnx_gate(found, facts_of(["a"]), rough, np.zeros(len(rough)))
        assert not gate.passed
        assert gate.observed == "cannot be converted"
        assert re.search(reason, gate.detail), gate.detail


def test_the_gate_holds_for_the_model_itself_and_not_for_another(fitted, clients):
    model, scores = fitted[0], fitted[0].predict(clients)
    facts = facts_of(COLUMNS)
    gate = onnx_gate(converted(model), facts, clients, scores)
    assert gate.passed, gate
    assert gate.observed.endswith(f"off on {len(clients)} rows")
    other = Calibrated(model.model, model.slope, model.shift + 1e-4)
    assert not onnx_gate(converted(other), facts, clients, scores).passed


def test_an_answer_that_is_no_number_is_no_pass(fitted, clients):
    broken = Calibrated(fitted[0].model, np.nan, 0.0)
    assert not onnx_gate(converted(broken), facts_of(COLUMNS), clients, fitted[0].predict(clients)).passed


def test_no_onnx_is_no_pass(clients):
    assert not onnx_gate(Converted(None, "why"), facts_of(COLUMNS), clients, np.zeros(len(clients))).passed


def test_the_same_model_has_the_same_bytes(fitted):
    assert convert(fitted[0]) == convert(fitted[0])
