"""What Prometheus can ask: requests, latency, fall-backs, what was shed, and how the log fares, over all workers.

With ``PROMETHEUS_MULTIPROC_DIR`` set before this is imported, each process counts in files of that folder and any of
them answers for all.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FOLDER = "metrics"
_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

REQUESTS = Counter(
    "flightdeck_requests", "Requests by use case, status and who answered", ("use_case", "status", "variant")
)
LATENCY = Histogram("flightdeck_latency_seconds", "From the first byte to the answer", ("use_case",), buckets=_SECONDS)
FALLBACKS = Counter("flightdeck_fallbacks", "Answers of the fall-back by reason", ("use_case", "reason"))
SHED = Counter("flightdeck_shed", "Requests refused at once because there was too much to do")
IN_FLIGHT = Gauge("flightdeck_in_flight", "Requests that are being answered", multiprocess_mode="livesum")
LOG_SECONDS = Histogram("flightdeck_log_seconds", "From a record to its place on the disk", buckets=_SECONDS)
LOG_RECORDS = Counter("flightdeck_log_records", "Records given to the log")
LOG_GROUPS = Counter("flightdeck_log_groups", "Ways to the disk; records over groups is how many shared one")
UNSHIPPED = Gauge("flightdeck_log_unshipped_bytes", "Bytes that wait to be shipped", multiprocess_mode="livemax")
SHADOWS = Counter("flightdeck_shadows", "Cases that a shadow has scored, or had no time for", ("use_case", "outcome"))

# A child is looked up for each request; the library's own look-up costs more than counting.
requests = cache(REQUESTS.labels)
latency = cache(LATENCY.labels)
fallbacks = cache(FALLBACKS.labels)
shadows = cache(SHADOWS.labels)


def exposition() -> bytes:
    """Return the metrics of all processes in Prometheus' text form."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return generate_latest(REGISTRY)
    registry: Any = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget(home: Path, process: int) -> None:
    """Take a dead process out of what is counted of the living ones alone."""
    mark_process_dead(process, path=str(home / FOLDER))  # type: ignore[no-untyped-call]
