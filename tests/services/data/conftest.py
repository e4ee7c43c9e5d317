"""A source that a test can spoil: a day's delivery is whatever the test has put there."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.data.sources import Batch
from include.errors import SourceError
from tests.faults import proxied
from tests.second_use_case.tumours import MEASURES
from tests.second_use_case.tumours import SPEC as TUMOURS

SPEC = TUMOURS.model_copy(
    update={
        "name": "spoiled",
        "source": TUMOURS.source.model_copy(update={"fetch": "tests.services.data.conftest:fetch"}),
        "label_delay_days": 3,
    }
)
FIRST = dt.date(2026, 3, 1)
DELIVERIES: dict[dt.date, Batch] = {}


def day(number):
    """Return the first day and so many more."""
    return FIRST + dt.timedelta(days=number)


def delivery(number, rows=20):
    """Return a delivery that keeps the contract; the same for the same day."""
    generator = np.random.default_rng(number)
    frame = pd.DataFrame({name: generator.uniform(1, 100, rows) for name in MEASURES})
    frame.insert(0, "biopsy", np.arange(rows) + 1000 * number)
    truth = pd.DataFrame({"biopsy": frame["biopsy"], "malignant": generator.integers(0, 2, rows), "day": day(number)})
    return Batch(rows=frame, truth=truth)


def fetch(spec, of_day):
    """Return what the test has put there for a day."""
    if of_day not in DELIVERIES:
        raise SourceError(
            expected="a delivery", seen="none", where=f"{spec.name} {of_day}", next_step="ask the sender for it"
        )
    return DELIVERIES[of_day]


@pytest.fixture
def source(tenant):
    """Give an emptied source with ten good days."""
    DELIVERIES.clear()
    DELIVERIES.update({day(number): delivery(number) for number in range(10)})
    return DELIVERIES


@pytest.fixture
def proxy(s3, tenant, monkeypatch):
    """Give a proxy in front of the store, and let everything go through it."""
    with proxied(monkeypatch, "AWS_ENDPOINT_URL_S3", s3) as faults:
        yield faults
