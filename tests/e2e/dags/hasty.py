"""Airflow DAGs of the tests' hasty use case; its fit has one try, so that a test can see what a last kill leaves."""

from __future__ import annotations

from plugins import ring
from tests.e2e.use_cases.hasty import SPEC

ingest, retraining, train, deploy = (each(SPEC) for each in (ring.ingest, ring.retraining, ring.train, ring.deploy))
train.get_task("fit").retries = 0
