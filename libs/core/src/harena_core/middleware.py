"""The outermost layer of every service, as one plain ASGI middleware.

It gives a request its id, bounds its body, counts and logs its answer, and turns what nobody caught
into the one error shape. Plain ASGI, because `BaseHTTPMiddleware` buffers streams and hides a
client's disconnection from them.
"""

import time
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from harena_core import errors
from harena_core.logging import accept_request_id
from harena_core.metrics import UNMATCHED, Instruments

log = structlog.get_logger()

# Probes and scrapes come every few seconds for ever; they are counted, not logged.
QUIET = frozenset({"/health", "/livez", "/readyz", "/metrics"})


class RequestMiddleware:
    """Request id, body limit, metrics, access log, last resort for errors."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        instruments: Instruments,
        max_body_bytes: int,
        quiet: frozenset[str] = QUIET,
    ) -> None:
        self.app = app
        self.instruments = instruments
        self.max_body_bytes = max_body_bytes
        self.quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identifier = accept_request_id(Headers(scope=scope).get("x-request-id"))
        with bound_contextvars(request_id=identifier):
            await self._http(scope, receive, send, identifier)

    async def _http(self, scope: Scope, receive: Receive, send: Send, identifier: str) -> None:
        service = self.instruments.service
        in_flight = self.instruments.in_flight.labels(service)
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value  # until a response starts
        started = False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = identifier
            await send(message)

        begin = time.perf_counter()
        in_flight.inc()
        try:
            await self.app(scope, self._limited(scope, receive), sending)
        except Exception:
            log.exception("request_failed")
            if not started:
                await errors.unexpected()(scope, receive, sending)
        finally:
            in_flight.dec()
            elapsed = time.perf_counter() - begin
            route = getattr(scope.get("route"), "path", UNMATCHED)
            method = scope["method"]
            self.instruments.requests.labels(service, method, route, str(status)).inc()
            self.instruments.latency.labels(service, method, route).observe(elapsed)
            if route not in self.quiet:
                log.info(
                    "request",
                    method=method,
                    route=route,
                    status=status,
                    duration_ms=round(elapsed * 1000, 2),
                )

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive`, which refuses a body as soon as its declared or real size is too large.

        An HTTPException, because FastAPI turns any other error while reading a body into a 400.
        """
        declared = Headers(scope=scope).get("content-length", "0")
        too_large = declared.isdigit() and int(declared) > self.max_body_bytes
        received = 0

        async def receiving() -> Message:
            nonlocal received
            if too_large:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        return receiving
