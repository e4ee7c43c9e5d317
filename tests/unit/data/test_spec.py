"""A mistake in a spec is named when the file is read: field, value, and what would be valid."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.classification import Classification
from include.spec import Column, Contract, Risk, RiskClass, Role
from tests.second_use_case.tumours import SPEC


def changed(**fields):
    return Classification.model_validate({**SPEC.model_dump(), **fields})


def test_a_typing_slip_is_no_default():
    with pytest.raises(ValidationError, match="fresh_dayz"):
        changed(fresh_dayz=3)


def test_a_feature_over_a_column_that_is_not_one_is_named():
    feature = {"name": "x", "op": "ratio", "columns": ("mean_radius", "malignant")}
    with pytest.raises(ValidationError, match=r"feature 'x' uses \['malignant'\]"):
        changed(features=(feature,))


def test_fairness_over_an_unprotected_column_is_named():
    gates = {**SPEC.gates.model_dump(), "fairness": ({"column": "mean_radius"},)}
    with pytest.raises(ValidationError, match="valid are the protected columns"):
        changed(gates=gates)


def test_two_candidates_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="each name must be given once"):
        changed(candidates=(SPEC.candidates[0], SPEC.candidates[0]))


@pytest.mark.parametrize("role", [Role.IDENTIFIER, Role.TARGET])
def test_a_classification_needs_exactly_one_identifier_and_target(role):
    doubled = Column(name="another", dtype="integer", role=role)
    contract = Contract(columns=(*SPEC.contract.columns, doubled))
    with pytest.raises(ValidationError, match=f"exactly one column must have role '{role}'"):
        Classification.model_validate(SPEC.model_dump() | {"contract": contract.model_dump()})


def test_a_contract_needs_an_identifier():
    columns = [column for column in SPEC.contract.columns if column.role != Role.IDENTIFIER]
    with pytest.raises(ValidationError, match="no column has role 'identifier'"):
        Contract(columns=tuple(columns))


def test_a_column_is_promised_once():
    with pytest.raises(ValidationError, match="promised twice"):
        Contract(columns=(*SPEC.contract.columns, Column(name="mean_radius", dtype="number")))


@pytest.mark.parametrize(
    ("likelihood", "impact", "expected"),
    [(1, 5, RiskClass.LOW), (2, 3, RiskClass.MEDIUM), (3, 4, RiskClass.HIGH), (5, 5, RiskClass.HIGH)],
)
def test_the_class_follows_from_likelihood_and_impact(likelihood, impact, expected):
    assert Risk(likelihood=likelihood, impact=impact, reasons=("x",)).risk_class == expected
