"""Answer for a recommendation: the best items for a user, or from the fall-back what is popular in the market."""

from __future__ import annotations

import datetime as dt
import time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from include.deployment.lists import ItemLists
from include.recommendation import Recommendation, Task
from include.recommending.held import popular, rules_of
from include.recommending.rules import Item, Rules
from include.serving import metrics
from include.serving.answers import RefusedError, answered
from include.serving.contract import invalid
from include.serving.models import Loaded
from include.serving.record import line
from include.serving.service import Service, chosen, unknown_yet
from include.serving.shadow import Case, Shadows
from include.serving.state import Live, Snapshot
from include.serving.view import ViewOfKey
from include.spec import Serving

_LARGEST = 2**53
_MOST, _MOST_IN_BASKET = 50, 100


class Recommend:
    """The route of one recommendation.

    Args:
        service: The shared parts.
        spec: The use case.
        shadows: Where cases wait for a shadow.
    """

    def __init__(self, service: Service, spec: Recommendation, shadows: Shadows) -> None:
        self._service, self._spec, self._name, self._shadows = service, spec, spec.name, shadows
        self._serving, self._zone = spec.serving or Serving(), ZoneInfo(spec.schedule.time_zone)
        self._rules: dict[str, tuple[ViewOfKey, dt.date, Rules]] = {}
        fields: dict[str, Any] = {
            "market": (
                Literal[spec.markets] | None,
                Field(default=None, description="which market; without one, the first that knows the user"),
            ),
            "task": (Task, Field(default="rebuy", description="what will be bought again, or what is new")),
            "n": (int, Field(default=min(spec.list_length, _MOST), ge=1, le=_MOST, description="how many items")),
            "basket": (
                list[Annotated[int, Field(ge=0, le=_LARGEST)]],
                Field(default=[], max_length=_MOST_IN_BASKET, description="items that lie in the basket; repeat it"),
            ),
        }
        name = "".join(part.capitalize() for part in spec.name.split("_"))
        self.question: type[BaseModel] = create_model(
            f"{name}Question", __config__=ConfigDict(extra="forbid"), **fields
        )

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        scope, service = request.scope, self._service
        snapshot = service.snapshot
        try:
            service.admit(scope, snapshot, self._name)
            user, asked = _user(scope["path_params"]["user"]), self._asked(request.query_params)
            market = asked.market or self._market_of(snapshot, user)
            live = service.live(snapshot, self._name, market)
            rules = self._rules_of(snapshot, market, live)
            said, items = await self._answer(live, market, user, asked, rules, scope["began"])
            said["request_id"], scope["variant"] = scope["request_id"], said["variant"]
            at = service.now()
            inputs = {"market": market, "task": asked.task, "n": asked.n, "basket": asked.basket}
            taken = 1000 * (time.monotonic() - scope["began"])
            record = line(said, at=at, inputs=inputs, output=_output(items), latency_ms=taken)
            await service.write([record], durable=self._serving.durable_log)
        except RefusedError as refused:
            return refused.response(scope["request_id"])
        if live.said.switch_on and (shadow := live.model(live.said.shadow)) is not None:
            args = (user, asked.task, asked.n, asked.basket, rules)
            self._shadows.offer(
                Case(shadow.ref.version, lambda: ({}, _output(shadow.model.answer(*args))), said, inputs, at)
            )
        listed = [{"item": item, "score": score, "reason": reason} for item, score, reason in items]
        return answered({**said, "task": asked.task, "items": listed})

    async def _answer(
        self, live: Live, market: str, user: int, asked: Any, rules: Rules, began: float
    ) -> tuple[dict[str, Any], list[Item]]:
        variant, loaded, kind, why = chosen(live, self._name, market, str(user))
        said: dict[str, Any] = {
            "request_id": "", "use_case": self._name, "key": market, "unit": str(user), "variant": variant,
            "model_version": 0, "sequence": live.sequence, "reasons": [], "flags": [],
        }  # fmt: skip
        found: list[Item] | None = None
        if loaded is not None:
            args = (user, asked.task, asked.n, asked.basket, rules)
            found, kind, why = await self._service.ask(self._spec, loaded, args, _scores, began)
            said["flags"] = _flags(loaded, user, asked.basket)
        if found is not None and loaded is not None:
            said["model_version"] = loaded.ref.version
            return said, found
        metrics.fallbacks(self._name, kind).inc()
        said.update(variant="fallback", reasons=[f"fall-back: {why}"])
        return said, self._popular(live, asked.n, rules, why)

    def _popular(self, live: Live, n: int, rules: Rules, why: str) -> list[Item]:
        """Return what is popular, out of whatever model of the market is at hand."""
        for ref in (live.said.fallback, live.said.decides, live.said.challenger):
            if (loaded := live.model(ref)) is not None:
                return popular(loaded.model, n, rules)
        raise unknown_yet(f"{why}, and there is no other list")

    def _asked(self, query: QueryParams) -> Any:
        given: dict[str, Any] = dict(query.items())
        if "basket" in given:
            given["basket"] = [item for item in query.getlist("basket") if item]  # `?basket=` is an empty one
        if doubled := [name for name in given if name != "basket" and len(query.getlist(name)) > 1]:
            fields = [{"field": name, "problem": "give it once"} for name in doubled]
            raise RefusedError(422, "invalid_request", f"{doubled[0]}: give it once", fields=fields)
        try:
            return self.question.model_validate(given)
        except ValidationError as error:
            raise invalid(error) from error

    def _market_of(self, snapshot: Snapshot, user: int) -> str:
        for market in self._spec.markets:
            live = snapshot.live.get((self._name, market))
            loaded = live.model(live.said.decides) if live else None
            if loaded is not None and loaded.model.knows(user):
                return market
        return self._spec.markets[0]

    def _rules_of(self, snapshot: Snapshot, market: str, live: Live) -> Rules:
        """Return the rules that hold on the business day."""
        view = snapshot.view.use_cases[self._name] if snapshot.view else None
        day = (view.today if view else None) or self._service.now().astimezone(self._zone).date()
        known = self._rules.get(market)
        if known is None or known[0] is not live.said or known[1] != day:
            rules = rules_of(ItemLists(rules=live.said.rules).on(day))
            known = self._rules[market] = (live.said, day, rules)
        return known[2]


def _user(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) <= len(str(_LARGEST))) or int(given) > _LARGEST:
        problem = f"a whole number from 0 to {_LARGEST}"
        raise RefusedError(422, "invalid_request", f"user: {problem}", fields=[{"field": "user", "problem": problem}])
    return int(given)


def _flags(loaded: Loaded, user: int, basket: list[int]) -> list[str]:
    flags = [] if loaded.model.knows(user) else ["unknown user"]
    unknown = loaded.model.unknown(basket)
    return [*flags, *([f"unknown items in the basket: {', '.join(map(str, unknown[:5]))}"] if unknown else [])]


def _scores(found: list[Item]) -> list[float]:
    return [score for _, score, _ in found]


def _output(items: list[Item]) -> dict[str, Any]:
    return {"items": [[item, round(score, 6)] for item, score, _ in items]}
