"""Airflow DAGs of the tests' weekly use case; its clock stands until a test switches it on."""

from __future__ import annotations

from plugins import ring
from tests.e2e.use_cases.weekly import SPEC

ingest, train, deploy = ring.ingest(SPEC), ring.train(SPEC), ring.deploy(SPEC)
retraining = ring.retraining(SPEC)
retraining.is_paused_upon_creation = True
