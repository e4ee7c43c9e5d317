"""The scoring service's application: a typed route for each use case, and what stands around them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Security
from fastapi import Path as Path_
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from include.classification import Classification
from include.forecast import Forecast
from include.recommendation import Recommendation
from include.serving.answers import Decision, Decisions, Foretold, Recommended, documented
from include.serving.classify import Classify
from include.serving.foretell import Foretell
from include.serving.guards import Guard, http_error
from include.serving.health import Alive, Health, Ready
from include.serving.prediction_log import PredictionLog
from include.serving.recommend import Recommend
from include.serving.service import Limits, Service
from include.serving.shadow import Shadows
from include.spec import UseCase

Handle = Callable[[Request], Awaitable[Response]]
_NAMED = inspect.Parameter.KEYWORD_ONLY
_KEY = Security(HTTPBearer(auto_error=False, description="A key of the service: `fd_<id>_<secret>`."))


class DocumentedRoute(APIRoute):
    """A route whose signature is there for OpenAPI alone; the endpoint's ``handle`` reads the request itself."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        handle: Handle = self.endpoint.handle  # type: ignore[attr-defined]

        # Without what FastAPI stands around an endpoint for dependencies, of which there are none.
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await handle(Request(scope, receive))
            await response(scope, receive, send)

        self.app = answer


def utc_now() -> dt.datetime:
    """Return the wall clock's time."""
    return dt.datetime.now(dt.UTC)


def create_app(
    home: Path,
    specs: Sequence[UseCase],
    *,
    limits: Limits | None = None,
    now: Callable[[], dt.datetime] = utc_now,
    open_log: Callable[[Path], Any] = PredictionLog,
) -> FastAPI:
    """Return the application of one worker.

    Args:
        home: The service's folder: view, models, issues, log.
        specs: The use cases that it serves.
        limits: How much it takes on.
        now: Wall-clock time, UTC; stamps answers and lets keys expire.
        open_log: Returns the prediction log below a home.
    """
    service = Service(home, specs, limits or Limits(), now)
    shadows = Shadows(service.limits.shadows)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.watcher.refresh()
        service.log = open_log(home)
        work = (service.watcher.follow(), shadows.work(service.log), service.measure(service.log))
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await service.log.close()

    app = FastAPIOffline(
        title="Flightdeck scoring service",
        version="1",
        description="Decisions, lists and forecasts of the models that the deployment journals name.",
        lifespan=lifespan,
        redoc_url=None,
        exception_handlers={HTTPException: http_error},
    )
    app.router.route_class = DocumentedRoute
    app.add_middleware(Guard, service=service)
    app.state.service = service
    for spec in specs:
        _add(app, service, spec, shadows)
    health = Health(service)
    _get(app, "/health/live", health.live, Alive, "Whether the process answers")
    _get(app, "/health/ready", health.ready, Ready, "What is served, by which version")
    app.add_api_route(
        "/metrics", _endpoint(health.metrics), tags=["service"], summary="Metrics for Prometheus", response_model=None,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "All workers'."}},
        response_class=Response,
    )  # fmt: skip
    return app


def _add(app: FastAPI, service: Service, spec: UseCase, shadows: Shadows) -> None:
    path = f"/v1/{spec.name}/predict"
    if isinstance(spec, Classification):
        route = Classify(service, spec, shadows)
        body: Any = route.cases.one | route.cases.many
        _post(app, path, route.handle, body, Decision | Decisions, f"{spec.title}: decide about cases", (404,))
    elif isinstance(spec, Forecast):
        foretell = Foretell(service, spec)
        _post(app, path, foretell.handle, foretell.question, Foretold, f"{spec.title}: one series and day", ())
    elif isinstance(spec, Recommendation):
        recommend = Recommend(service, spec, shadows)
        user = inspect.Parameter("user", _NAMED, annotation=Annotated[int, Path_(ge=0, le=2**53)])
        asked = inspect.Parameter("asked", _NAMED, annotation=Annotated[recommend.question, Query()])
        app.add_api_route(
            f"/v1/{spec.name}/recommendations/{{user}}", _endpoint(recommend.handle, user, asked, _secured()),
            tags=["use cases"], summary=f"{spec.title}: items for a user", response_model=None,
            responses=documented(Recommended, 404, 408, 413), response_class=Response,
        )  # fmt: skip


def _post(
    app: FastAPI, path: str, handle: Handle, body: Any, answer: Any, summary: str, without: tuple[int, ...]
) -> None:
    asked = inspect.Parameter("body", _NAMED, annotation=Annotated[body, Body()])
    app.add_api_route(
        path, _endpoint(handle, asked, _secured()), methods=["POST"], tags=["use cases"], summary=summary,
        response_model=None, responses=documented(answer, *without), response_class=Response,
    )  # fmt: skip


def _get(app: FastAPI, path: str, handle: Handle, answer: Any, summary: str) -> None:
    app.add_api_route(
        path, _endpoint(handle), tags=["service"], summary=summary, response_model=None,
        responses={200: {"model": answer}, **({503: {"model": answer}} if answer is Ready else {})},
    )  # fmt: skip


def _secured() -> inspect.Parameter:
    return inspect.Parameter("key", _NAMED, annotation=Any, default=_KEY)


def _endpoint(handle: Handle, *parameters: inspect.Parameter) -> Callable[..., Any]:
    """Return a function that has a signature for OpenAPI, and the handler that answers."""

    async def endpoint(**_: Any) -> None:
        raise TypeError("a documented route is answered by its handler, and this is only its signature")

    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    endpoint.handle = handle  # type: ignore[attr-defined]
    endpoint.__name__ = getattr(handle, "__qualname__", "endpoint").replace(".", "_").lower()
    return endpoint
