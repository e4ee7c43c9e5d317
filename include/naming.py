"""Every name that two parts must agree on: tables, assets, models, journal, experiments.

Each has room for tenant, use case and key (a zone, a market; ``default`` where there is one model).
"""

from __future__ import annotations

import os

from include.settings import settings

DEFAULT_KEY = "default"


def tenant() -> str:
    """Return the tenant; needs no other setting, for DAG files are parsed where no service is known."""
    return os.environ.get("FLIGHTDECK_TENANT") or "main"


def table_path(use_case: str, table: str) -> str:
    """Return the object prefix of a Delta table inside the bucket."""
    return f"tables/{tenant()}/{use_case}/{table}"


def table_uri(use_case: str, table: str) -> str:
    """Return the ``s3://`` address of a Delta table."""
    return f"s3://{settings().bucket}/{table_path(use_case, table)}"


def journal_prefix(use_case: str) -> str:
    """Return the object prefix of a use case's deployment journal, with the trailing slash."""
    return f"journal/{tenant()}/{use_case}/"


def approval_path(use_case: str, request_id: str) -> str:
    """Return the object path of one signed approval."""
    return f"approvals/{tenant()}/{use_case}/{request_id}.json"


def asset_name(use_case: str, event: str) -> str:
    """Return the name of a ring asset; ``event`` is data, predictions, candidate, deployment or retraining."""
    return f"{tenant()}.{use_case}.{event}"


def asset_uri(use_case: str, event: str) -> str:
    """Return the address of a ring asset."""
    return f"flightdeck://{tenant()}/{use_case}/{event}"


def model_name(use_case: str, key: str = DEFAULT_KEY) -> str:
    """Return the registered model's name."""
    return f"{tenant()}.{use_case}.{key}"


def experiment_name(use_case: str) -> str:
    """Return the MLflow experiment that holds a use case's runs."""
    return f"{tenant()}/{use_case}"
