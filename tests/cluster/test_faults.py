"""What machines do to a deployment in containers, one test a fault, by the functions of `./flightdeck bench faults`."""

from __future__ import annotations

import os

import pytest

from benchmarks.faults import TRIALS
from benchmarks.lab import deployment, missing
from benchmarks.moments import BEFORE, Life
from include.settings import settings

# The first test brings the deployment up; on a busy machine that alone takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(5400)]


@pytest.fixture(scope="module")
def life():
    """Give a use case that lives in a deployment of the tests' own."""
    if lacks := missing():
        pytest.skip(lacks)
    before = dict(os.environ)
    try:
        with deployment(before_days=BEFORE, say=print) as lab:
            begun = Life(lab)
            begun.begin()
            yield begun
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_nothing_is_lost_doubled_or_half_done(life, trial):
    seen = trial.run(life)
    assert seen.lost == [], seen.how
