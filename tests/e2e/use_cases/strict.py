"""The small use case with a high risk class: a person must approve."""

from __future__ import annotations

from include.spec import Risk
from tests.second_use_case.tumours import SPEC as TUMOURS

SPEC = TUMOURS.model_copy(
    update={
        "name": "strict",
        "title": "Strict",
        "risk": Risk(likelihood=4, impact=4, reasons=("A person must answer in this test.",)),
    }
)
