"""The local edge for tests: nginx, rendered from a model, and echo services behind it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harena_core.testing import free_port
from harena_edge.model import Routing
from harena_edge.nginx import render
from harena_local.nginx import Nginx

STOP_SECONDS = 10.0


@contextmanager
def echo_services(services: Mapping[str, int]) -> Iterator[dict[str, str]]:
    """The address of each service, while they run; a port of 0 takes a free one."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("echo.py")),
            *(f"{name}={port}" for name, port in services.items()),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        ports = json.loads(process.stdout.readline())
        yield {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        if process.stdout:
            process.stdout.close()


@contextmanager
def local_edge(model: Routing, upstreams: Mapping[str, str], folder: Path) -> Iterator[str]:
    """The base URL of nginx, while it runs in `folder`."""
    server = Nginx(folder, free_port())
    listen = f"{server.host}:{server.port}"
    server.configure(render(model, listen=listen, upstreams=upstreams))
    with server.running(folder / "nginx.log"):
        yield f"http://{listen}"
