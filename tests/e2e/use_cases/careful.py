"""The strict use case as a service: a new model is refreshed every day, and takes real requests over step by step."""

from __future__ import annotations

from include.spec import Guardrail, Rollout, Serving
from tests.e2e.use_cases.strict import SPEC as STRICT

SPEC = STRICT.model_copy(
    update={
        "name": "careful",
        "title": "Careful",
        "gates": STRICT.gates.model_copy(update={"max_champion_age_days": 0, "non_inferiority_margin": 0.2}),
        "serving": Serving(deadline_ms=2000),
        "rollout": Rollout(
            weights=(0.1, 0.5),
            min_requests=60,
            looks=3,
            slow_ms=5000,
            guardrails=(Guardrail(metric="flagged", tolerated=0.05), Guardrail(metric="slow", tolerated=0.5)),
        ),
    }
)
