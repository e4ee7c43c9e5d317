"""Airflow DAGs beside the rings: what a person does by hand, and the daily repair of what only mirrors the journal."""

from __future__ import annotations

from include.use_cases.credit_risk import SPEC as CREDIT_RISK
from include.use_cases.load_forecast import SPEC as LOAD_FORECAST
from include.use_cases.recommender import SPEC as RECOMMENDER
from plugins import controls, housekeeping

USE_CASES = [CREDIT_RISK, LOAD_FORECAST, RECOMMENDER]

rollbacks = [housekeeping.rollback(spec) for spec in USE_CASES]  # the champion before
switches = [controls.switch(spec) for spec in USE_CASES]  # off: the fall-back alone answers
pins = [controls.pin(spec) for spec in USE_CASES]  # a version that nothing moves
items = controls.items(RECOMMENDER)  # blocked, boosted, shown first
reconcile = housekeeping.reconcile(USE_CASES)  # every night
