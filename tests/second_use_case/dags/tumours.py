"""Airflow DAGs of breast tumours."""

from __future__ import annotations

from plugins import ring
from tests.second_use_case.tumours import SPEC

dags = ring.standard_ring(SPEC)
