"""The record of a failure, on a store that is away, comes back, or refuses."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from include import incidents
from include.data.objects import ObjectStore
from include.settings import settings
from tests.faults import proxied

INCIDENT = incidents.Incident(
    use_case="spoiled", team="oncall", dag_id="spoiled_ingest", run_id="run", task_id="ingest", try_number=5,
    partition="", error="TransientError", message="expected an answer", log_url="",
    at=dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
)  # fmt: skip


@pytest.fixture
def proxy(s3, tenant, monkeypatch):
    """Give a proxy in front of the store, and let everything go through it."""
    with proxied(monkeypatch, "AWS_ENDPOINT_URL_S3", s3) as faults:
        yield faults


def test_a_failure_is_recorded_once_however_many_callbacks_report_it(proxy):
    assert incidents.record(INCIDENT)
    assert not incidents.record(INCIDENT)


def test_a_store_that_is_back_soon_has_the_record(proxy):
    proxy.mode = "down"
    back = threading.Timer(4, lambda: setattr(proxy, "mode", "ok"))
    back.start()
    assert incidents.record(INCIDENT)
    back.join()
    assert b"expected an answer" in ObjectStore().get(INCIDENT.path)
    assert not incidents.record(INCIDENT)


def test_where_the_store_stays_away_somebody_is_told_all_the_same(proxy, monkeypatch):
    monkeypatch.setattr(incidents, "PATIENCE_SECONDS", 0.1)
    proxy.mode = "down"
    assert incidents.record(INCIDENT)
    proxy.mode = "ok"
    assert ObjectStore().get(INCIDENT.path) is None


def test_where_the_store_refuses_somebody_is_told_at_once(proxy, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    settings.cache_clear()
    monkeypatch.setattr(incidents, "PATIENCE_SECONDS", 3600)
    assert incidents.record(INCIDENT)
