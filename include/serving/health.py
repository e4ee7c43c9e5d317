"""What the outside may know about a worker: that it lives, what it serves and since when that was not confirmed."""

from __future__ import annotations

import os
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from include.serving import metrics
from include.serving.answers import answered
from include.serving.service import Service
from include.serving.state import Live


class Alive(BaseModel):
    """The process answers."""

    status: str
    process: int


class Serves(BaseModel):
    """What one key of a use case is answered by."""

    champion: str | None = Field(description="version that decides; none where there is none")
    challenger: str | None
    canary_weight: float
    shadow: str | None
    switch_on: bool
    sequence: int
    ready: bool = Field(description="whether a model or an issued forecast answers; false: the fall-back")


class Ready(BaseModel):
    """Whether requests can be answered, and by what."""

    status: str = Field(description="`ready`, or `waiting` where nothing is known yet")
    process: int
    view_age_seconds: float | None = Field(description="since the journals were last read without a problem")
    problems: list[str]
    use_cases: dict[str, dict[str, Serves]]
    issues: dict[str, str] = Field(description="gate closure of the newest issued forecast, by use case")
    log_unshipped_bytes: int


class Health:
    """The routes about the worker itself; they need no key and say nothing about anybody."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def live(self, request: Request) -> Response:
        """Say that the process answers."""
        return answered({"status": "alive", "process": os.getpid()})

    async def ready(self, request: Request) -> Response:
        """Say what is served; 503 while nothing is."""
        service = self._service
        snapshot, view = service.snapshot, service.snapshot.view
        confirmed = view.confirmed_at if view else None
        log = service.log
        problems = [*snapshot.problems, *([f"log: {log.problem}"] if log and log.problem else [])]
        use_cases: dict[str, dict[str, Any]] = {}
        for (use_case, key), live in snapshot.live.items():
            use_cases.setdefault(use_case, {})[key] = _serves(live, issued=use_case in snapshot.issues)
        response = answered(
            {
                "status": "ready" if view else "waiting",
                "process": os.getpid(),
                # A clock that was put back must not make it negative.
                "view_age_seconds": max(0.0, (service.now() - confirmed).total_seconds()) if confirmed else None,
                "problems": problems,
                "use_cases": use_cases,
                "issues": {name: issue.issued_at.isoformat() for name, issue in snapshot.issues.items()},
                "log_unshipped_bytes": log.unshipped_bytes if log else 0,
            }
        )
        response.status_code = 200 if view else 503
        return response

    async def metrics(self, request: Request) -> Response:
        """Give all workers' metrics."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _serves(live: Live, *, issued: bool) -> dict[str, Any]:
    said = live.said
    return {
        "champion": f"v{said.decides.version}" if said.decides else None,
        "challenger": f"v{said.challenger.version}" if said.challenger else None,
        "canary_weight": said.canary_weight,
        "shadow": f"v{said.shadow.version}" if said.shadow else None,
        "switch_on": said.switch_on,
        "sequence": live.sequence,
        "ready": said.switch_on and (issued or live.model(said.decides) is not None),
    }
