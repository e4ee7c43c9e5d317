"""The small shop, cleaned and as of a day."""

from __future__ import annotations

import pytest

from include.recommending.evaluation import outcome
from include.recommending.interactions import interactions
from include.recommending.preparation import ColdStart, warm
from tests.unit.recommending import made


@pytest.fixture(scope="session")
def lines():
    return made.lines()


@pytest.fixture(scope="session")
def products():
    return made.products()


@pytest.fixture(scope="session")
def known(lines):
    return warm(lines, ColdStart(fewest_items=3, fewest_households=3))


@pytest.fixture(scope="session")
def x(lines, products, known):
    return interactions(lines, products, made.DAY, known)


@pytest.fixture(scope="session")
def bought(lines, x):
    return outcome(lines, x, days=59)
