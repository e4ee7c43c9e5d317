"""Kinds of work: what a step asks of a machine, so that a deployment can give each kind its workers and its limit.

A kind is the name of a queue, which a worker listens to or not, and of a pool, which says how many of its tasks may run
at once in the whole deployment. On one machine neither is needed: tasks then wait in Airflow's own pool.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

DEFAULT = "default"  # Airflow's own name for it
KINDS: Mapping[str, str] = {
    "data": "landing days, and judging what was scored: memory and S3",
    "training": "fitting models, and studies of it: cores, for minutes",
    "scoring": "scores, forecasts and lists for those who wait for them",
}
_KIND_OF = {
    "ingest": "data", "monitor": "data",
    "train": "training", "study": "training", "experiment": "training",
    "score": "scoring", "forecast": "scoring",
}  # fmt: skip
POOLS_EXIST = "FLIGHTDECK_POOLS"


def kind_of(step: str) -> str:
    """Return the kind of a use case's step, as its DAG is named; what only decides or asks has none of its own."""
    return _KIND_OF.get(step, DEFAULT)


def placement(step: str) -> dict[str, str]:
    """Return queue and pool of a step's tasks. A task whose pool does not exist would wait for ever."""
    kind = kind_of(step)
    return {"queue": kind, **({"pool": kind} if kind in KINDS and os.environ.get(POOLS_EXIST) else {})}
