"""The families of models: features, monotone scorecards, calibration, and the same numbers every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io

from include.errors import ContractError
from include.models.artifact import TRUSTED, PackedModel
from include.models.behaviour import behavioural_gates
from include.models.explain import falls, reasons
from include.models.features import Features, features_of, raises_risk
from include.models.fitting import fit_calibrated
from include.models.scorecard import Scorecard
from include.records import ModelRef
from include.use_cases.credit_risk import SPEC

REF = ModelRef(name="test", version=1, run_id="r", digest="d")


def test_features_are_computed_as_named():
    step = Features(
        ["a", "b", "c"],
        [
            ("ratio", "ratio", ["a", "b"]), ("difference", "difference", ["a", "b"]), ("mean", "mean", ["a", "b", "c"]),
            ("maximum", "maximum", ["a", "b", "c"]), ("minimum", "minimum", ["a", "b", "c"]),
            ("total", "total", ["a", "b", "c"]), ("slope", "slope", ["a", "b", "c"]),
            ("count", "count_positive", ["a", "b", "c"]), ("by_zero", "ratio", ["a", "c"]),
        ],
    ).fit(pd.DataFrame())  # fmt: skip
    (row,) = step.transform(pd.DataFrame({"a": [4], "b": [2], "c": [0]}))
    assert row[:11].tolist() == [4, 2, 0, 2, 2, 2, 4, 0, 6, -2, 2]
    assert np.isnan(row[11])


def test_a_missing_column_is_named():
    with pytest.raises(ContractError, match=r"no \['b'\]"):
        Features(["a", "b"], []).fit(pd.DataFrame()).transform(pd.DataFrame({"a": [1]}))


def test_protected_columns_reach_no_model():
    assert not set(SPEC.protected_columns) & set(features_of(SPEC).columns)


def test_a_derived_feature_inherits_the_promise_only_where_it_must_rise():
    rising = dict(zip(features_of(SPEC).get_feature_names_out(), raises_risk(SPEC), strict=True))
    assert rising["worst_delay"]
    assert rising["PAY_0"]
    assert not rising["utilisation"]
    assert not rising["bill_trend"]


def test_a_model_is_calibrated_out_of_fold_and_ranks(fitted, clients):
    model, scores = fitted
    assert scores.mean() == pytest.approx(clients["default"].mean(), abs=0.02)
    assert (
        model.predict(clients)[clients["default"] == 1].mean() > model.predict(clients)[clients["default"] == 0].mean()
    )


def test_the_same_seed_gives_the_same_scores(clients):
    first, again = (fit_calibrated(SPEC, "boosting", {}, clients, 1)[0].predict(clients) for _ in range(2))
    assert np.array_equal(first, again)


def test_a_model_survives_its_packing_without_pickle(fitted, clients):
    packed = skops.io.dumps(fitted[0])
    assert set(skops.io.get_untrusted_types(data=packed)) <= set(TRUSTED)
    assert np.array_equal(skops.io.loads(packed, trusted=TRUSTED).predict(clients), fitted[0].predict(clients))


def test_a_worse_history_never_lowers_the_risk_of_a_monotone_family(clients):
    for family in ("scorecard", "boosting"):
        model = PackedModel(REF, fit_calibrated(SPEC, family, {}, clients, 1)[0], list(SPEC.model_columns))
        failed = [gate for gate in behavioural_gates(SPEC, model, clients, 1) if not gate.passed]
        assert failed == [], family


def test_the_behavioural_gates_find_a_model_that_looks_at_sex(clients):
    class Biased:
        def score(self, frame):
            return 0.2 + 0.1 * frame["SEX"].to_numpy() - 0.01 * frame["PAY_0"].to_numpy()

    failed = {gate.name for gate in behavioural_gates(SPEC, Biased(), clients, 1) if not gate.passed}
    assert failed == {"more PAY_0 never lowers the risk", "permuting SEX changes nothing"}


def test_a_scorecard_has_no_coefficient_of_the_wrong_sign(clients):
    X = features_of(SPEC).fit(clients).transform(clients)
    card = Scorecard(rising=raises_risk(SPEC)).fit(X, clients["default"].to_numpy())
    assert (card.coef_ >= 0).all()
    for place in np.flatnonzero(raises_risk(SPEC)):
        assert (np.diff(card.bins_.weights_[place][:-1]) >= 0).all()


def test_reasons_name_what_would_have_to_be_ordinary(clients):
    model = PackedModel(REF, fit_calibrated(SPEC, "boosting", {}, clients, 1)[0], list(SPEC.model_columns))
    late = clients.assign(PAY_0=4).head(20)
    first = [each[0] for each in reasons(model, late)]
    assert all(text.startswith("PAY_0 = 4") for text in first), first
    fall = falls(model, late)
    assert (fall["PAY_0"] > 0.1).all()
    assert reasons(model, late.head(0)) == []
