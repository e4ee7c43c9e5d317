"""The strict use case among colleagues: those who run it approve it, each what another has asked for."""

from __future__ import annotations

from tests.e2e.use_cases.strict import SPEC as STRICT

SPEC = STRICT.model_copy(update={"name": "peers", "title": "Peers", "approvers": ("operator", "engineer")})
