"""Real rows for the behavioural tests: what a model does for people, not what its code does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def recordings():
    """Say where recorded data is kept; no service is needed, and what is said is forgotten behind the module."""
    from include.settings import settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLIGHTDECK_CACHE_DIR", os.environ.get("FLIGHTDECK_CACHE_DIR", str(ROOT / ".flightdeck/cache")))
        for name in ("AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI"):
            patch.setenv(name, "http://127.0.0.1:1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "FLIGHTDECK_JOURNAL_KEY"):
            patch.setenv(name, "nothing")
        settings.cache_clear()
        yield
    settings.cache_clear()
