"""A service that answers what it received, for the edge's contract suite.

    python echo.py [--host ADDRESS] user=3000 search=3001 …

One process plays every service, each on a port of its own (0 takes a free one), and prints the
ports as one line of JSON when they listen. Nothing here imports the project, so that the same file
can be what stands behind any edge. Its knobs are query parameters:

    status=401          answers with this status
    retry_after=7       sends this Retry-After
    own=1               sends CORS and security headers of its own, which an edge must not pass on
    size=100000         answers with so many bytes more
    abort=1             closes the connection without an answer
    sleep=2             answers after so many seconds
    count=NAME          counts the request, and tells how many it has counted under this name
    stream=NAME         sends one part, and the second only when release=NAME was asked for
    type=text/plain     the content type of the stream
    sized=1             tells the length of the stream, instead of sending it in chunks
"""

import argparse
import asyncio
import json
import re
import secrets
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

STREAM_SECONDS = 20.0
PARTS = ("data: first\n\n", "data: second\n\n")
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
OWN_HEADERS = {
    "Access-Control-Allow-Origin": "http://elsewhere.test",
    "Access-Control-Allow-Methods": "TRACE",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "X-Own",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "sniff",
    "Content-Security-Policy": "default-src *",
    "Referrer-Policy": "unsafe-url",
}


class Echo:
    """All services of one process, told apart by the port that a request came in by."""

    def __init__(self, services: Mapping[int, str]) -> None:
        self.services = services
        self.released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.counted: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                WebSocketRoute("/{path:path}", self.websocket),
                Route("/{path:path}", self.http, methods=METHODS),
            ]
        )

    def service(self, scope: Scope) -> str:
        return self.services[scope["server"][1]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and b"abort=1" in scope["query_string"]:
            # ASGI has no word for it: uvicorn's `receive` is a method of what holds the connection.
            receive.__self__.transport.abort()  # type: ignore[attr-defined]
            return
        await self.app(scope, receive, send)

    async def http(self, request: Request) -> Response:
        service, query = self.service(request.scope), request.query_params
        given = request.headers.get("x-request-id", "")
        request_id = given if SAFE_REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        headers = {"X-Echo-Service": service, "X-Request-ID": request_id}
        if service == "portal" and not re.fullmatch("/health|/docs(/.*)?", request.url.path):
            body = {"detail": "Ici rien.", "error_code": "NOT_FOUND", "request_id": request_id}
            return JSONResponse(body, 404, headers)
        if "release" in query:
            self.released[query["release"]].set()
        if "stream" in query:
            if "sized" in query:
                headers["Content-Length"] = str(sum(map(len, PARTS)))
            return StreamingResponse(
                self.parts(query["stream"]),
                media_type=query.get("type", "text/event-stream"),
                headers=headers,
            )
        if "count" in query:
            self.counted[query["count"]] += 1
        if "sleep" in query:
            await asyncio.sleep(float(query["sleep"]))
        if "own" in query:
            headers |= OWN_HEADERS
        if "retry_after" in query:
            headers["Retry-After"] = query["retry_after"]
        received = {
            "service": service,
            "method": request.method,
            "path": request.scope["path"],
            "query": request.url.query,
            "headers": [[name, value] for name, value in request.headers.items()],
            "bytes": len(await request.body()),
            "counted": self.counted[query.get("count", "")],
            "filler": "x" * int(query.get("size", 0)),
        }
        return JSONResponse(received, int(query.get("status", 200)), headers)

    async def parts(self, name: str) -> AsyncIterator[str]:
        first, second = PARTS
        yield first
        async with asyncio.timeout(STREAM_SECONDS):
            await self.released[name].wait()
        yield second

    async def websocket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(f"{self.service(websocket.scope)}:{message}")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("services", nargs="+", metavar="NAME=PORT")
    arguments = parser.parse_args()
    listeners = {}
    for name, port in (service.split("=") for service in arguments.services):
        listener = socket.create_server((arguments.host, int(port)), backlog=512)
        listeners[name] = listener
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    echo = Echo({port: name for name, port in ports.items()})
    config = uvicorn.Config(
        echo,
        lifespan="off",
        log_level="critical",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ws="websockets-sansio",
    )
    await uvicorn.Server(config).serve(sockets=list(listeners.values()))


if __name__ == "__main__":
    asyncio.run(main())
