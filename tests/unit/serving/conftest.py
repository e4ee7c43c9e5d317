"""How a test runs the log: within an event loop, and closed afterwards."""

from __future__ import annotations

import asyncio

import pytest

from include.serving.prediction_log import PredictionLog


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
