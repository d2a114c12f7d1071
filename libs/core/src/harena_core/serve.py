"""Runs an app as a process: one uvicorn, because metrics and scaling are per process."""

import asyncio
import math
import socket
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from harena_core import logging
from harena_core.drain import Drain
from harena_core.settings import CoreSettings

S = TypeVar("S", bound=CoreSettings)


class Server(uvicorn.Server):
    """A uvicorn that drains before it ends: see `drain`. A second signal ends it at once.

    Whoever sets `should_exit` skips the window, in which the listener is still open.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._told = False
        self._window: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._captured_signals.append(sig)  # uvicorn raises it again when all is done
        if self._told:
            self._drain.abandon()
            self.force_exit = self.should_exit = True
        self._told = True

    async def on_tick(self, counter: int) -> bool:
        if self._told and self._window is None:
            self._window = asyncio.create_task(self._drain.keep_serving())
        if self._window is not None and self._window.done():
            self._window.result()
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn does this too, and in the same breath closes what is still in use.
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        left = await self._drain.finish()
        self.config.timeout_graceful_shutdown = max(1, math.ceil(left))
        await super().shutdown(sockets)


def server(app: ASGIApp, settings: CoreSettings, drain: Drain | None = None) -> Server:
    """A uvicorn as it runs everywhere: in production, in the embedded platform, in tests.

    An app that was made by `create_app` has its `drain`; any other has nothing to drain.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Above the 60 s for which an edge keeps its connections, or it meets closed ones (502).
        timeout_keep_alive=75,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
    )
    if drain is None:
        drain = Drain(settings.drain_seconds, settings.shutdown_seconds)
    return Server(config, drain)


def serve(create: Callable[[S], FastAPI], settings: S) -> None:
    """Logs as JSON, builds the app and blocks until the process is told to stop."""
    app = create(settings)
    logging.configure(app.state.instruments.service, settings.log_level)
    server(app, settings, app.state.drain).run()
