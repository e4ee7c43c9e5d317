"""What the scoring service says, as typed shapes: answers, and refusals in one form whatever the reason.

They describe what is sent and are not made for each request: an answer is a plain dictionary, written as JSON at once.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import Response

from include.serving.forecasts import Hour

Variant = Literal["champion", "challenger", "fallback"]


class Answer(BaseModel):
    """What every answer carries."""

    request_id: str = Field(description="the answer's own id; the prediction log has it once")
    use_case: str
    key: str = Field(description="which of the use case's models: a market, a series; `default` where there is one")
    unit: str = Field(description="who or what was asked about; decides the variant")
    variant: Variant = Field(description="who has answered")
    model_version: int = Field(description="version in the registry; 0 where no model has answered")
    sequence: int = Field(description="sequence of the journal's entry by which it was answered")
    reasons: list[str] = Field(description="of a fall-back, why; else what would have to be ordinary")
    flags: list[str] = Field(description="what is unusual about the request")


class Decision(Answer):
    """The answer about one case."""

    decision: Literal["accept", "review", "decline"]
    score: float | None = Field(description="probability of the target; none from the fall-back")


class Decisions(BaseModel):
    """The answers about several cases, in their order."""

    answers: list[Decision]


class Item(BaseModel):
    """One recommended item."""

    item: int
    score: float
    reason: str


class Recommended(Answer):
    """A list of items for one user."""

    task: Literal["rebuy", "discover"]
    items: list[Item] = Field(description="the best first")


class Foretold(Answer):
    """The newest issued forecast of one series and day."""

    series: str
    day: dt.date
    issued_at: dt.datetime = Field(description="gate closure at which it was issued, UTC")
    family: str = Field(description="which kind of model has foretold it")
    hours: list[Hour]


class Problem(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(description="path of the field, e.g. `rows.3.PAY_0`; empty for the body as a whole")
    problem: str


class Refusal(BaseModel):
    """Why there is no answer."""

    error: str = Field(description="the kind, for programs")
    detail: str = Field(description="a sentence, for people")
    request_id: str
    fields: list[Problem] = Field(default_factory=list, description="what is wrong with which field")


class RefusedError(Exception):
    """A request that is not answered; the status says whose turn it is."""

    def __init__(
        self, status: int, error: str, detail: str, *, fields: list[dict[str, str]] | None = None, after: float = 0
    ) -> None:
        super().__init__(detail)
        self.status, self.error, self.detail, self.fields, self.after = status, error, detail, fields or [], after

    def response(self, request_id: str) -> Response:
        """Return it as a response."""
        said = {"error": self.error, "detail": self.detail, "request_id": request_id, "fields": self.fields}
        headers = {}
        if self.after:
            headers["Retry-After"] = str(max(1, round(self.after)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(to_json(said), self.status, headers, "application/json")


def answered(said: Any) -> Response:
    """Return an answer as a response."""
    return Response(to_json(said), media_type="application/json")


_REFUSALS = {
    401: "No key, or one that is not valid (any more).",
    403: "The key is for other use cases.",
    404: "There is nothing of that name.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    422: "The request is not what the schema says; `fields` names what is wrong.",
    429: "More requests than the key may make; `Retry-After` says when to come again.",
    503: "No answer just now: nothing is known yet, the log takes nothing, or there is too much to do.",
}


def documented(answer: Any, *left_out: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route for OpenAPI."""
    after = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "seconds to wait"}}
    found: dict[int | str, dict[str, Any]] = {200: {"model": answer, "description": "The answer; it is in the log."}}
    for status, description in _REFUSALS.items():
        if status not in left_out:
            found[status] = {"model": Refusal, "description": description}
            if status in (429, 503):
                found[status]["headers"] = after
    return found
