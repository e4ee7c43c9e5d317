"""The strict use case whose approver has half a minute, so that a test can wait until an approval has timed out."""

from __future__ import annotations

from tests.e2e.use_cases.strict import SPEC as STRICT

SPEC = STRICT.model_copy(update={"name": "hasty", "title": "Hasty", "approval_hours": 30 / 3600})
