"""The assets that join the DAGs of a ring. Every event of theirs carries a partition key."""

from __future__ import annotations

from typing import Literal

from airflow.sdk import Asset

from include.naming import asset_name, asset_uri

Event = Literal["data", "predictions", "candidate", "deployment", "retraining"]


def ring_asset(use_case: str, event: Event) -> Asset:
    """Return a ring asset; name and address are the same wherever it is asked for."""
    return Asset(name=asset_name(use_case, event), uri=asset_uri(use_case, event), group=use_case)
