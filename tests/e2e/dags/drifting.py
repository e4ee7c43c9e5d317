"""Airflow DAGs of the tests' drifting use case."""

from __future__ import annotations

from plugins import housekeeping, ring
from tests.e2e.use_cases.drifting import SPEC

dags = [*ring.standard_ring(SPEC), housekeeping.rollback(SPEC)]
