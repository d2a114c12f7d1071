"""Debian's programs, as `tools/prometheus.sh .harena/bin` unpacks them, really running."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.monitoring.definitions import ROOT

from harena_core.testing import free_port
from harena_local.process import Running, identity

BIN = ROOT / ".harena" / "bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the programs, which do not run as root, may read and write."""
    return identity().own(tmp_path / "programs")


@contextmanager
def program(
    name: str,
    folder: Path,
    *arguments: str,
    ready: str = "/",
    port: str = "",
    **variables: str,
) -> Iterator[httpx2.Client]:
    """A program on a port of its own or the one given, once it is ready; a client of it."""
    port = port or str(free_port())
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=5) as client:

        def answers() -> bool:
            try:
                return client.get(ready).is_success
            except httpx2.TransportError:
                return False

        settings = [f"{key}={value}" for key, value in variables.items()]
        listen = f"--web.listen-address=127.0.0.1:{port}"
        command = ["/usr/bin/env", *settings, str(BIN / name), listen, *arguments]
        with Running(command, answers, who=identity(), log=folder / f"{name}.log"):
            yield client
