"""How a test runs the log, within an event loop; made-up clients, and a model of each family."""

from __future__ import annotations

import asyncio

import pytest

from include.serving.prediction_log import PredictionLog
from tests.unit.models.made import FAMILIES, made_clients, made_model


@pytest.fixture
def within(tmp_path):
    """Give a function that runs a test's coroutine with a log, and returns what it returns."""

    def run(test, *, home=tmp_path, **options):
        async def whole():
            log = PredictionLog(home, **options)
            try:
                return await test(log)
            finally:
                await log.close()

        return asyncio.run(whole())

    return run


@pytest.fixture(scope="session")
def clients():
    return made_clients()


@pytest.fixture(scope="session", params=FAMILIES)
def fitted(request):
    """Give a model of each family, and its scores out of fold."""
    return made_model(request.param)
