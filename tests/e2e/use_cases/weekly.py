"""The strict use case with a week of one minute, so that a test can wait for its scheduled retraining."""

from __future__ import annotations

from include.spec import Schedule
from tests.e2e.use_cases.strict import SPEC as STRICT

SPEC = STRICT.model_copy(update={"name": "weekly", "title": "Weekly", "schedule": Schedule(retrain="* * * * *")})
