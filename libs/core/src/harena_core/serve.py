"""Runs an app as a process: one uvicorn, because metrics and scaling are per process."""

from collections.abc import Callable
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from harena_core import logging
from harena_core.settings import CoreSettings

S = TypeVar("S", bound=CoreSettings)


def server(app: ASGIApp, settings: CoreSettings) -> uvicorn.Server:
    """A uvicorn as it runs everywhere: in production, in the embedded platform, in tests."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            # Above the 60 s for which an edge keeps its connections, or it meets closed ones (502).
            timeout_keep_alive=75,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            ws_max_size=64 * 1024,
            ws_per_message_deflate=False,
        )
    )


def serve(create: Callable[[S], FastAPI], settings: S) -> None:
    """Logs as JSON, builds the app and blocks until the process is told to stop."""
    app = create(settings)
    logging.configure(app.state.instruments.service, settings.log_level)
    server(app, settings).run()
