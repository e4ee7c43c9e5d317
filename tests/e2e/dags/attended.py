"""Airflow DAGs of the tests' attended use case."""

from __future__ import annotations

from plugins import ring
from tests.e2e.use_cases.attended import SPEC

dags = ring.standard_ring(SPEC)
