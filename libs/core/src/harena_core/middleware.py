"""The outermost layer of every service, as one plain ASGI middleware.

It gives a request or a WebSocket its id, bounds a body, looks at a socket's origin, counts and
logs how each ended, and turns what nobody caught into the one error shape. Plain ASGI, because
`BaseHTTPMiddleware` buffers streams and hides a client's disconnection from them.
"""

import time
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from harena_core import errors
from harena_core.drain import Drain
from harena_core.logging import accept_request_id
from harena_core.metrics import CLOSE_CODES, OTHER, REFUSED, Instruments, method_of, route_of
from harena_core.settings import CoreSettings

log = structlog.get_logger()

# Probes and scrapes come every few seconds for ever; they are counted, not logged.
QUIET = frozenset({"/health", "/livez", "/readyz", "/metrics"})


_POLICY_VIOLATION = 1008
_INTERNAL_ERROR = 1011
_ABNORMAL = 1006


class RequestMiddleware:
    """Request id, body limit, origins, metrics, access log, last resort for errors."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: CoreSettings,
        instruments: Instruments,
        drain: Drain,
        quiet: frozenset[str] = QUIET,
    ) -> None:
        self.app = app
        self.instruments = instruments
        self.drain = drain
        self.quiet = quiet
        self.max_body_bytes = settings.max_body_bytes
        self.origins = frozenset(part.strip() for part in settings.allowed_origins.split(","))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        serve = self._http if scope["type"] == "http" else self._socket
        identifier = accept_request_id(Headers(scope=scope).get("x-request-id"))
        with bound_contextvars(request_id=identifier):
            await serve(scope, receive, send, identifier)

    async def _http(self, scope: Scope, receive: Receive, send: Send, identifier: str) -> None:
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value  # until a response starts
        started = False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = identifier
                if self.drain.begun:
                    # Whoever keeps the connection for its next request finds another process.
                    headers["Connection"] = "close"
            await send(message)

        begin = time.perf_counter()
        try:
            with self.instruments.in_flight.counting(scope):
                await self.app(scope, self._limited(scope, receive), sending)
        except Exception:
            log.exception("request_failed")
            if not started:
                await errors.unexpected()(scope, receive, sending)
        finally:
            elapsed = time.perf_counter() - begin
            self.instruments.answered(scope, status, elapsed)
            if route_of(scope) not in self.quiet:
                log.info(
                    "request",
                    method=method_of(scope),
                    route=route_of(scope),
                    status=status,
                    duration_ms=round(elapsed * 1000, 2),
                )

    async def _socket(self, scope: Scope, receive: Receive, send: Send, identifier: str) -> None:
        accepted = False
        code: int | None = None

        async def receiving() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect" and code is None:
                code = message["code"]
            return message

        async def sending(message: Message) -> None:
            nonlocal accepted, code
            if message["type"] == "websocket.accept":
                accepted = True
                MutableHeaders(scope=message)["X-Request-ID"] = identifier
            elif message["type"] == "websocket.close" and code is None:
                code = message.get("code", 1000)
            await send(message)

        begin = time.perf_counter()
        try:
            if self._may_come(Headers(scope=scope).get("origin")):
                await self.app(scope, receiving, sending)
            else:
                await sending({"type": "websocket.close", "code": _POLICY_VIOLATION})
        except Exception:
            log.exception("socket_failed")
            if not accepted:
                await errors.unexpected()(scope, receive, send)
            elif code is None:
                await sending({"type": "websocket.close", "code": _INTERNAL_ERROR})
        finally:
            ended = code if code is not None else _ABNORMAL
            known = str(ended) if ended in CLOSE_CODES else OTHER
            label = known if accepted else REFUSED
            self.instruments.socket_closes.labels(self.instruments.service, label).inc()
            elapsed = time.perf_counter() - begin
            log.info("socket", route=route_of(scope), code=label, duration_s=round(elapsed, 1))

    def _may_come(self, origin: str | None) -> bool:
        """Whether a page of that origin may open a socket. What is no browser names none."""
        return origin is None or not self.origins.isdisjoint({"*", origin})

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
