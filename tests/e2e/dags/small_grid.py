"""Airflow DAGs of the tests' small grid; its forecast counts as late after a second, so that a test sees the call."""

from __future__ import annotations

import datetime as dt

from plugins import forecast_ring, housekeeping, ring
from tests.small_grid import SPEC

ingest, retraining = ring.ingest(SPEC, same_day=True), ring.retraining(SPEC)
train, deploy, monitor = forecast_ring.train(SPEC), forecast_ring.deploy(SPEC), forecast_ring.monitor(SPEC)
forecast = forecast_ring.forecast(SPEC, late_after=dt.timedelta(seconds=1))
rollback = housekeeping.rollback(SPEC)
