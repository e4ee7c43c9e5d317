from __future__ import annotations

import pytest

from tests.unit.forecasting.made import weather_driven


@pytest.fixture(scope="session")
def panel():
    """A year and a half of hours that follow the weather."""
    return weather_driven(540)
