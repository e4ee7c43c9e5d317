"""Made-up clients for the tests of models, and a model of each family."""

from __future__ import annotations

import pytest

from tests.unit.models.made import FAMILIES, made_clients, made_model


@pytest.fixture(scope="session")
def clients():
    return made_clients()


@pytest.fixture(scope="session", params=FAMILIES)
def fitted(request):
    """Give a model of each family, and its scores out of fold."""
    return made_model(request.param)
