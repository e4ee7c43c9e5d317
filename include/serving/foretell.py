"""Answer for a forecast: the hours of one series and day out of the newest issue, with their bands."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from starlette.requests import Request
from starlette.responses import Response

from include.forecast import Forecast
from include.serving.answers import RefusedError, answered
from include.serving.contract import invalid
from include.serving.guards import body_of
from include.serving.record import line
from include.serving.service import Service, unknown_yet
from include.serving.state import Snapshot
from include.spec import Serving


class Foretell:
    """The route of one forecast.

    Args:
        service: The shared parts.
        spec: The use case.
    """

    def __init__(self, service: Service, spec: Forecast) -> None:
        self._service, self._name = service, spec.name
        self._serving = spec.serving or Serving()
        name = "".join(part.capitalize() for part in spec.name.split("_"))
        fields: dict[str, Any] = {
            "series": (Literal[spec.keys], Field(description="which series; the total is one of them")),
            "day": (dt.date, Field(description="day, UTC")),
        }
        config = ConfigDict(extra="forbid", strict=True)
        self.question: type[BaseModel] = create_model(f"{name}Question", __config__=config, **fields)
        self.question.__doc__ = "One series and day."

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        scope, service = request.scope, self._service
        snapshot = service.snapshot
        try:
            service.admit(scope, snapshot, self._name)
            try:
                asked: Any = self.question.model_validate_json(await body_of(request, service.limits))
            except ValidationError as error:
                raise invalid(error) from error
            said = {"request_id": scope["request_id"], **self._found(snapshot, asked.series, asked.day)}
            scope["variant"] = said["variant"]
            record = line(
                said, at=service.now(), inputs={"series": asked.series, "day": asked.day},
                output={"issued_at": said["issued_at"], "load_kw": [each.load_kw for each in said["hours"]]},
                latency_ms=1000 * (time.monotonic() - scope["began"]),
            )  # fmt: skip
            await service.write([record], durable=self._serving.durable_log)
        except RefusedError as refused:
            return refused.response(scope["request_id"])
        return answered(said)

    def _found(self, snapshot: Snapshot, series: str, day: dt.date) -> dict[str, Any]:
        live = snapshot.live.get((self._name, series))
        if live is not None and not live.said.switch_on:
            # What stands behind a forecast stands in the issue already; off means that none of it is to be used.
            raise RefusedError(503, "switched_off", f"switched off: {live.said.switch_reason}", after=60)
        issue = snapshot.issues.get(self._name)
        if issue is None:
            raise unknown_yet(f"nothing was issued yet for {self._name}")
        found = issue.series.get(series)
        if found is None or day not in found.days:
            days = sorted(found.days) if found else []
            detail = f"the issue of {issue.as_of} has {days[0]} to {days[-1]}" if days else f"it has no {series}"
            raise RefusedError(404, "not_in_issue", f"no forecast of {series} for {day}: {detail}")
        return {
            "use_case": self._name, "key": series, "unit": series,
            "variant": "fallback" if found.fallback else "champion", "model_version": found.model_version,
            "sequence": issue.sequence, "reasons": [f"fall-back: {found.fallback}"] if found.fallback else [],
            "flags": [f"{found.filled_hours} hours of the last week were filled"] if found.filled_hours else [],
            "series": series, "day": day, "issued_at": issue.issued_at, "family": found.family,
            "hours": found.days[day],
        }  # fmt: skip
