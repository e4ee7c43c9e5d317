"""Airflow DAGs in which people must answer."""

from __future__ import annotations

from plugins import housekeeping, ring
from tests.cluster.use_cases.peers import SPEC as PEERS
from tests.e2e.use_cases.attended import SPEC as ATTENDED
from tests.e2e.use_cases.strict import SPEC as STRICT

dags = [
    *ring.standard_ring(STRICT),
    housekeeping.rollback(STRICT),
    *ring.standard_ring(PEERS),
    *ring.standard_ring(ATTENDED),
]
