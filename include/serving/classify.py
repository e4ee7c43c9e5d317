"""Answer for a classification: a decision with its score and its reasons, or the fall-back, which is a person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from include.classification import Classification
from include.naming import DEFAULT_KEY
from include.serving import metrics
from include.serving.answers import RefusedError, answered
from include.serving.contract import Cases, cases_of
from include.serving.decisions import REVIEW
from include.serving.guards import body_of
from include.serving.models import Loaded
from include.serving.record import line, named
from include.serving.service import Service, chosen
from include.serving.shadow import Case, Shadows
from include.serving.state import Live
from include.spec import Serving

_BREATHE = 8  # rows of one request, after which others have their turn
_NAN = float("nan")


class Classify:
    """The route of one classification.

    Args:
        service: The shared parts.
        spec: The use case.
        shadows: Where cases wait for a shadow.
    """

    def __init__(self, service: Service, spec: Classification, shadows: Shadows) -> None:
        self.cases: Cases = cases_of(spec)
        self._service, self._spec, self._name, self._shadows = service, spec, spec.name, shadows
        self._serving = spec.serving or Serving()
        self._gaps = any(spec.contract.column(name).nullable for name in spec.model_columns)

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        scope, service = request.scope, self._service
        request_id: str = scope["request_id"]
        snapshot = service.snapshot
        try:
            service.admit(scope, snapshot, self._name)
            cases, several = self.cases.read(await body_of(request, service.limits))
            live = service.live(snapshot, self._name, DEFAULT_KEY)
            answers, records, at = [], [], service.now()
            for number, case in enumerate(cases):
                values = self.cases.values(case)
                began = time.monotonic() if several else scope["began"]  # of several, each has its own deadline
                said = await self._answer(live, str(self.cases.unit(case)), values, began)
                said["request_id"] = f"{request_id}-{number}" if several else request_id
                answers.append(said)
                inputs = named(self.cases.columns, values)
                taken = 1000 * (time.monotonic() - scope["began"])
                records.append(line(said, at=at, inputs=inputs, output={}, latency_ms=taken))
                if number % _BREATHE == _BREATHE - 1:
                    await asyncio.sleep(0)
            scope["variant"] = answers[0]["variant"] if not several else "batch"
            await service.write(records, durable=self._serving.durable_log)
        except RefusedError as refused:
            return refused.response(request_id)
        shadow = live.model(live.said.shadow) if live.said.switch_on else None
        if shadow is not None:
            for said, case in zip(answers, cases, strict=True):
                self._offer(shadow, said, self.cases.values(case), at)
        return answered({"answers": answers} if several else answers[0])

    async def _answer(self, live: Live, unit: str, values: Sequence[Any], began: float) -> dict[str, Any]:
        variant, loaded, kind, why = chosen(live, self._name, DEFAULT_KEY, unit)
        said: dict[str, Any] = {
            "request_id": "", "use_case": self._name, "key": DEFAULT_KEY, "unit": unit, "variant": variant,
            "model_version": 0, "sequence": live.sequence, "reasons": [], "flags": self.cases.outside(values),
            "decision": REVIEW, "score": None,
        }  # fmt: skip
        if loaded is not None:
            found, kind, why = await self._service.ask(self._spec, loaded, [self._row(values)], _scores, began)
            if found is not None:
                said["model_version"], said["reasons"] = loaded.ref.version, found.reasons
                said["decision"], said["score"] = found.decision, found.score
        if why:
            metrics.fallbacks(self._name, kind).inc()
            said.update(variant="fallback", reasons=[f"fall-back: {why}"])
        return said

    def _row(self, values: Sequence[Any]) -> Sequence[float]:
        return [_NAN if value is None else value for value in values] if self._gaps else values

    def _offer(self, shadow: Loaded, said: dict[str, Any], values: Sequence[Any], at: Any) -> None:
        def ask() -> tuple[dict[str, Any], Any]:
            found = shadow.model.explained(self._row(values))
            return {"score": found.score, "decision": found.decision, "reasons": found.reasons}, {}

        self._shadows.offer(Case(shadow.ref.version, ask, said, named(self.cases.columns, values), at))


def _scores(found: Any) -> tuple[float]:
    return (found.score,)
