"""What stands around every route: too much at once is refused at once, a body has a size, and no error leaks out."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.serving import metrics
from include.serving.access import header
from include.serving.answers import RefusedError
from include.serving.service import Limits, Service

log = logging.getLogger("flightdeck.serving")
_API = "/v1/"
_OVERLOADED = RefusedError(503, "overloaded", "too much to do; come again", after=1)


class Guard:
    """Plain ASGI, for whatever wraps a request in a task of its own costs more than the answer.

    Each request gets ``request_id`` and ``began`` (monotonic) in its scope; a route adds ``use_case`` and ``variant``.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._process, self._number = uuid.uuid4().hex, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counted = scope["path"].startswith(_API)
        # A random number for each request would be a call of the kernel for each; the process has one.
        self._number += 1
        scope["request_id"], scope["began"] = f"{self._process}{self._number:010x}", time.monotonic()
        if counted and self._service.in_flight >= self._service.limits.in_flight:
            metrics.SHED.inc()
            await _OVERLOADED.response(scope["request_id"])(scope, receive, send)
            return
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        if counted:
            self._service.in_flight += 1
        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = 499
        except Exception:
            log.exception("request %s", scope["request_id"])
            if not status:
                await _failed().response(scope["request_id"])(scope, receive, sending)
        finally:
            if counted:
                self._service.in_flight -= 1
                _count(scope, status)


def _count(scope: Scope, status: int) -> None:
    use_case = scope.get("use_case", "")
    metrics.requests(use_case, str(status), scope.get("variant", "")).inc()
    if use_case:
        metrics.latency(use_case).observe(time.monotonic() - scope["began"])


def _failed() -> RefusedError:
    return RefusedError(500, "internal_error", "the service failed; its log has the request's id")


async def body_of(request: Request, limits: Limits) -> bytes:
    """Return a request's body.

    Raises:
        RefusedError: 413, as soon as it is known that the body is too large; 408 where it does not come.
    """
    length = header(request.scope, b"content-length")
    if length.isdecimal() and int(length) > limits.body_bytes:
        raise _too_large(limits.body_bytes)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request, limits.body_bytes)
    except TimeoutError as error:
        raise RefusedError(408, "too_slow", f"the body did not come within {limits.body_seconds:g} s") from error


async def _read(request: Request, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> RefusedError:
    return RefusedError(413, "too_large", f"a body may have {most} bytes")


async def http_error(request: Request, error: Any) -> Response:
    """Return what the router itself refuses, in the form of every other refusal."""
    found: HTTPException = error
    kinds = {404: "not_found", 405: "method_not_allowed"}
    detail = {404: f"there is no {request.url.path}", 405: f"{request.method} is not for {request.url.path}"}
    refused = RefusedError(
        found.status_code, kinds.get(found.status_code, "refused"), detail.get(found.status_code, str(found.detail))
    )
    response = refused.response(request.scope["request_id"])
    response.headers.update(found.headers or {})
    return response
