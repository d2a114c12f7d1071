"""Servers that a test may stop: of its own, and running when it begins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harena_core.testing import free_port
from harena_local.postgres import Postgres
from harena_local.process import Running
from harena_local.valkey import Valkey


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[Postgres, Running]]:
    server = Postgres(tmp_path / "postgres", free_port(), "secret", durable=False)
    server.initialise()
    with server.running(tmp_path / "postgres.log") as running:
        yield server, running


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[tuple[Valkey, Running]]:
    server = Valkey(tmp_path / "valkey", free_port(), "secret")
    server.configure()
    with server.running(tmp_path / "valkey.log") as running:
        yield server, running
