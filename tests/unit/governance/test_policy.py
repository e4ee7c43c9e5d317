"""What a risk class asks for."""

from __future__ import annotations

from include.governance.policy import required_approvals
from include.spec import RiskClass
from include.use_cases.credit_risk import SPEC


def test_every_class_has_its_number_and_only_high_needs_a_person() -> None:
    assert {each: required_approvals(each) for each in RiskClass} == {"low": 0, "medium": 0, "high": 1}


def test_credit_needs_a_person() -> None:
    assert required_approvals(SPEC.risk.risk_class) == 1
