"""How the families of credit risk behave towards real clients: what a reviewer would try before signing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from include.data.replay import credit_clients
from include.models.artifact import PackedModel
from include.models.behaviour import behavioural_gates
from include.models.fitting import fit_calibrated
from include.records import ModelRef
from include.use_cases.credit_risk import SPEC

REF = ModelRef(name="test", version=1, run_id="r", digest="d")
LEARNED = 6000
TARGET = SPEC.contract.target


@pytest.fixture(scope="module")
def clients():
    """Give clients in the order of their arrival: the first are learned from, the others are judged."""
    return credit_clients().sort_values("arrival", kind="stable").head(LEARNED + 4000).assign(day=0)


@pytest.fixture(scope="module")
def others(clients):
    return clients.tail(4000)


@pytest.fixture(scope="module", params=["logistic", "scorecard", "boosting"])
def model(request, clients):
    (chosen,) = [each for each in SPEC.candidates if each.name == request.param]
    fitted, _ = fit_calibrated(SPEC, request.param, dict(chosen.params), clients.head(LEARNED), 1)
    return PackedModel(REF, fitted, list(SPEC.model_columns))


def test_it_ranks_clients_it_has_never_seen(model, others):
    assert roc_auc_score(others[TARGET], model.score(others)) > 0.74


def test_it_is_as_sure_as_it_is_right(model, others):
    score = model.score(others)
    for low, high in ((0.0, 0.15), (0.15, 0.4), (0.4, 1.0)):
        some = (score >= low) & (score < high)
        assert score[some].mean() == pytest.approx(others.loc[some, TARGET].mean(), abs=0.08)


def test_sex_age_and_marriage_change_nothing(model, others):
    gates = behavioural_gates(SPEC, model, others, 1)
    touched = [gate for gate in gates if gate.name.startswith("permuting") and not gate.passed]
    assert touched == []


def test_a_payment_that_becomes_late_raises_the_risk(model, others):
    prompt = others.loc[others["PAY_0"] <= 0].head(500)
    assert (model.score(prompt.assign(PAY_0=2)) - model.score(prompt)).mean() > 0.1


def test_a_worse_history_never_lowers_the_risk_where_that_is_promised(model, others, request):
    if "logistic" in request.node.name:
        pytest.skip("a logistic regression on all delays together promises nothing of one of them")
    failed = [gate for gate in behavioural_gates(SPEC, model, others, 1) if not gate.passed]
    assert failed == []


def test_the_company_a_client_is_judged_in_does_not_matter(model, others):
    some = others.head(50)
    alone = np.concatenate([model.score(some.iloc[[place]]) for place in range(5)])
    assert np.allclose(alone, model.score(some)[:5], atol=1e-12)
    backwards = model.score(some.iloc[::-1])[::-1]
    assert np.allclose(backwards, model.score(some), atol=1e-12)


def test_an_amount_beyond_all_that_was_seen_still_has_an_answer(model, others):
    rich = others.head(50).assign(LIMIT_BAL=1e6, BILL_AMT1=1e6, PAY_AMT1=1e6)
    score = model.score(rich)
    assert np.isfinite(score).all()
    assert ((score >= 0) & (score <= 1)).all()
