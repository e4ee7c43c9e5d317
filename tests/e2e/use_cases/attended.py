"""The strict use case once more, for the test in which a person approves it in the browser."""

from __future__ import annotations

from tests.e2e.use_cases.strict import SPEC as STRICT

SPEC = STRICT.model_copy(update={"name": "attended", "title": "Attended"})
