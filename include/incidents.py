"""One record of each failure: what the on-call reads at night, written once however many callbacks report it.

A killed task reports through its DAG alone, a failed one through both; the store decides who was first.
"""

from __future__ import annotations

import datetime as dt
import logging
import time

from pydantic import Field

from include.naming import tenant
from include.records import Record

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 20.0  # a DAG's callback, from which the on-call hears of a killed task, has less than a minute


class Incident(Record):
    """A failed task in the words of the error that ended it."""

    use_case: str
    team: str = Field(description="who is called")
    dag_id: str
    run_id: str
    task_id: str
    try_number: int
    partition: str
    error: str = Field(description="class of the error, or 'killed' where the process had no time to say")
    message: str = Field(description="expected, seen, where and next step in one sentence")
    log_url: str
    at: dt.datetime

    @property
    def path(self) -> str:
        """Return the object path that is this failure's alone."""
        return f"incidents/{tenant()}/{self.dag_id}/{self.run_id}/{self.task_id}/{self.try_number}.json"


def record(incident: Incident) -> bool:
    """Store an incident; return whether this call was the first to report it.

    A store that is away is waited for a little: what it is restarted for is often the very failure. Where it cannot be
    stored it counts as the first: two messages are better than none.
    """
    from include.data.objects import ObjectStore
    from include.errors import FlightdeckError, TransientError

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ObjectStore().put_if_absent(incident.path, incident.model_dump_json(indent=1).encode())
        except FlightdeckError as error:
            if not isinstance(error, TransientError) or time.monotonic() > deadline:
                log.warning("incident not stored: %s", error)
                return True
            time.sleep(1)
