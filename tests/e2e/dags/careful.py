"""Airflow DAGs of the tests' careful use case: its models take requests over by the rollout, not by deploy."""

from __future__ import annotations

from plugins import ring
from plugins.rollout import rollout
from tests.e2e.use_cases.careful import SPEC

dags = ring.standard_ring(SPEC)
release = rollout(SPEC, SPEC.rollout)
