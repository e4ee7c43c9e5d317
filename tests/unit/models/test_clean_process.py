"""What an answer takes is the model's own work: a busy machine turns no model down."""

from __future__ import annotations

import time
from functools import partial

import pytest

from include.errors import GateError, TransientError
from include.models import clean_process
from include.models.clean_process import asked, timed, within_limits
from include.use_cases.credit_risk import SPEC

LIMIT = SPEC.gates.max_latency_ms


def test_waiting_is_not_counted_and_work_is():
    assert timed(partial(time.sleep, 2 * LIMIT / 1000))[1] < LIMIT / 2
    total, ms = timed(lambda: sum(range(3_000_000)))
    assert total == 4_499_998_500_000
    assert ms > 1


def test_a_version_that_works_too_long_for_an_answer_is_turned_down_with_the_number():
    within_limits(SPEC, ms=LIMIT, mb=1, where="here")
    with pytest.raises(
        GateError, match=r"here: expected an answer of at most 50 ms of a processor, but saw 50\.1 ms of"
    ):
        within_limits(SPEC, ms=LIMIT + 0.1, mb=1, where="here")


def test_a_process_that_does_not_end_is_ended_and_tried_again(monkeypatch):
    monkeypatch.setattr(clean_process, "_SECONDS", 0.2)
    with pytest.raises(TransientError, match=r"here: expected the packed model to .* within 0\.2 s, but saw it still"):
        asked("http.server", "0", "--bind", "127.0.0.1", where="here")
