"""Airflow DAGs of the tests' strict use case."""

from __future__ import annotations

from plugins import housekeeping, ring
from tests.e2e.use_cases.strict import SPEC

dags = [*ring.standard_ring(SPEC), housekeeping.rollback(SPEC)]
