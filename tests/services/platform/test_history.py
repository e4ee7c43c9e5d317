"""What `./flightdeck history` prints of a real MLflow."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from include.errors import PermanentError
from include.models.evaluations import record
from include.platform.history import show
from include.use_cases.credit_risk import SPEC
from tests.services.models.made_versions import day, trained
from tests.services.models.test_evaluations import window

pytestmark = pytest.mark.usefixtures("stack")


def printed(*, key=None, last=20):
    told = io.StringIO()
    show(Console(file=told, width=160), SPEC, key=key, last=last)
    return told.getvalue()


def rows(text):
    return [[cell.strip() for cell in line.strip("│ ").split("│")] for line in text.splitlines() if "default" in line]


def test_windows_are_printed_with_the_estimate_beside_the_truth():
    ref = trained(SPEC, day(0))["default"]
    record(SPEC, "default", ref, window(1, auc=0.77))
    record(SPEC, "default", ref, window(1, auc=0.775, source="estimate"))
    record(SPEC, "default", ref, window(2, auc=0.76, source="estimate", verdict="watch"))
    first = ["v1", "default", "2026-05-07 to 2026-05-13", "online", "900", "0.7700 [0.7600, 0.7800]",
             "0.7750 [0.7650, 0.7850]", "healthy"]  # fmt: skip
    second = ["v1", "default", "2026-05-14 to 2026-05-20", "estimate", "900", "", "0.7600 [0.7500, 0.7700]", "watch"]
    assert rows(printed()) == [first, second]
    assert rows(printed(last=1)) == [second]


def test_as_many_lines_as_are_asked_for_have_their_estimates():
    ref = trained(SPEC, day(0))["default"]
    for week in (1, 2, 3):
        for source in ("online", "estimate"):
            record(SPEC, "default", ref, window(week, source=source))
    assert [(row[2][:10], row[6] != "") for row in rows(printed(last=2))] == [
        ("2026-05-14", True),
        ("2026-05-21", True),
    ]


def test_nothing_evaluated_is_a_sentence():
    assert printed() == (
        "Nothing was evaluated of credit_risk yet. `./flightdeck run credit_risk` trains the first model.\n"
    )
    with pytest.raises(PermanentError, match=r"expected a key among \['default'\], but saw 'zone'"):
        printed(key="zone")
