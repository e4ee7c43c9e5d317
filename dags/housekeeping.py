"""Airflow DAGs beside the rings: rollback by an operator, daily repair of what only mirrors the journal."""

from __future__ import annotations

from include.use_cases.credit_risk import SPEC as CREDIT_RISK
from include.use_cases.load_forecast import SPEC as LOAD_FORECAST
from plugins import housekeeping

USE_CASES = [CREDIT_RISK, LOAD_FORECAST]

rollbacks = [housekeeping.rollback(spec) for spec in USE_CASES]
reconcile = housekeeping.reconcile(USE_CASES)
