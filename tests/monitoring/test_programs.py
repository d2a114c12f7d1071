"""Debian's Prometheus and exporters, really running: what they export, and an alert that fires.

In: the programs that tools/prometheus.sh unpacked, a Postgres and a Valkey from their wheels.
"""

import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from harena_core.testing import eventually, free_port, running
from harena_local.postgres import Postgres
from harena_local.process import Running, identity
from harena_local.valkey import Valkey
from harena_portal.main import Portal
from harena_portal.settings import PortalSettings
from tests.monitoring.definitions import ROOT, RULES

pytestmark = pytest.mark.monitoring

BIN = ROOT / ".harena" / "bin"
LISTED = yaml.safe_load(Path(__file__).with_name("exporters.yaml").read_text())


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- http, on 127.0.0.1
        text: str = answer.read().decode()
        return text


def _program(name: str, port: int, folder: Path, *arguments: str, path: str = "/metrics") -> Running:
    def ready() -> bool:
        try:
            return bool(_page(f"http://127.0.0.1:{port}{path}"))
        except urllib.error.URLError:
            return False

    command = [str(BIN / name), f"--web.listen-address=127.0.0.1:{port}", *arguments]
    return Running(command, ready, who=identity(), log=folder / f"{name}.log")
