from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.settings import settings


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give signatures a key; nothing here calls a service."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "MLFLOW_TRACKING_URI", "FLIGHTDECK_CACHE_DIR"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the store's key")
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "the signer's key")
    settings.cache_clear()
    yield
    settings.cache_clear()
