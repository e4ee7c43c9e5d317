"""What a risk class asks for. The one place that says so; nothing else, and no environment variable, decides it."""

from __future__ import annotations

from include.spec import RiskClass

_APPROVALS = {RiskClass.LOW: 0, RiskClass.MEDIUM: 0, RiskClass.HIGH: 1}


def required_approvals(risk_class: RiskClass) -> int:
    """Return how many persons must approve before a model of this class decides."""
    return _APPROVALS[risk_class]
