from __future__ import annotations

import pytest

from tests.services.serving.helpers import Service


@pytest.fixture
def service(stack, tmp_path):
    """Give a service of its own that is not started yet, and end whatever was started for it."""
    made = Service(tmp_path)
    yield made
    made.close()
