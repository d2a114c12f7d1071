"""Debian's Prometheus and exporters, really running: what they export, and an alert that fires.

In: the programs that tools/prometheus.sh unpacked, a Postgres and a Valkey from their wheels, and
the rules, with the minutes of their `for` turned into seconds.
"""

import re
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
import yaml
from tests.monitoring.conftest import BIN, program
from tests.monitoring.definitions import EXPORTERS, RULES

from harena_core.testing import eventually, free_port, running
from harena_local.exporters import of_node
from harena_local.postgres import Postgres
from harena_local.process import identity
from harena_local.valkey import Valkey
from harena_portal.main import Portal
from harena_portal.settings import PortalSettings

pytestmark = pytest.mark.monitoring


def exported(client: httpx2.Client) -> set[str]:
    """The names of its series, as Prometheus stores them."""
    return set(re.findall(r"^(\w+)[{ ]", client.get("/metrics").text, flags=re.MULTILINE))


def listed(exporter: str) -> set[str]:
    """What rules and dashboards name of it."""
    return set(EXPORTERS[exporter]["metrics"])


def test_the_postgres_exporter(postgres: Postgres, folder: Path) -> None:
    url = postgres.url("postgres") + "?sslmode=disable"
    with program("postgres_exporter", folder, DATA_SOURCE_NAME=url) as exporter:
        assert listed("postgres_exporter") - exported(exporter) == set()


def test_the_redis_exporter(valkey: Valkey, folder: Path) -> None:
    told = {"REDIS_ADDR": f"redis://127.0.0.1:{valkey.port}", "REDIS_PASSWORD": valkey.password}
    with program("redis_exporter", folder, **told) as exporter:
        assert listed("redis_exporter") - exported(exporter) == set()


def test_the_node_exporter(folder: Path) -> None:
    options = of_node(BIN / "node_exporter", 0, node="here").options
    # As the embedded platform runs it.
    with program("node_exporter", folder, *options) as exporter:
        assert listed("node_exporter") - exported(exporter) == set()


def hurried(folder: Path, jobs: list[dict[str, Any]], *, megabytes: float = 100) -> list[str]:
    """What a Prometheus is told that looks every second, with our rules and so much space."""
    rules = folder / "rules"
    rules.mkdir()
    for path in RULES:
        text = re.sub(r"^(\s+for:) .*", r"\1 2s", path.read_text(), flags=re.MULTILINE)
        (rules / path.name).write_text(text)
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{rules}/*.yaml"],
        # Nobody listens there: what cannot be delivered is counted.
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:1"]}]}]},
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    identity().own(folder)
    return [
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--storage.tsdb.retention.size={int(megabytes * 2**20)}B",
    ]


def filled(data: Path) -> float:
    """A block of Prometheus' own in its folder; how many MiB it takes."""
    text = data.parent / "history"
    begin = int(time.time()) // 7200 * 7200 - 7200
    figures = Random(1)
    with text.open("w") as lines:
        for number in range(200):
            for second in range(0, 7200, 7):
                lines.write(f'history{{number="{number}"}} {figures.random()} {begin + second}\n')
        lines.write("# EOF\n")
    made = ["tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run([BIN / "promtool", *made], check=True, capture_output=True, timeout=60)
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) / 2**20


def services(prometheus: httpx2.Client, query: str) -> set[str]:
    """The services of which a query finds a series."""
    answer = prometheus.get("/api/v1/query", params={"query": query}).json()
    return {row["metric"]["service"] for row in answer["data"]["result"]}


async def test_an_alert_fires_for_the_service_that_was_stopped(folder: Path) -> None:
    down = 'ALERTS{alertname="HarenaServiceDown",alertstate="firing"}'
    others = {"user", "search", "metric", "budget", "conversation"}
    settings = PortalSettings()
    async with AsyncExitStack() as serving:
        app = running(Portal(settings).operations, settings)
        portal = await serving.enter_async_context(app)
        target = {"targets": [portal.base_url.netloc.decode()], "labels": {"service": "portal"}}
        jobs = [
            {
                "job_name": job,
                "honor_labels": True,
                "metrics_path": path,
                "static_configs": [target],
            }
            for job, path in (("harena", "/metrics"), ("harena-health", "/health"))
        ]
        told = hurried(folder, jobs)
        with program("prometheus", folder, *told, ready="/-/ready") as prometheus:

            async def found(query: str, expected: set[str]) -> None:
                async def met() -> bool:
                    return services(prometheus, query) == expected

                await eventually(met, seconds=30)

            await found("service:health:max == 1", {"portal"})
            await found(down, others)
            groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
            rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
            assert {name for name, health in rules.items() if health != "ok"} == set()
            assert listed("prometheus") - exported(prometheus) == set()

            await serving.aclose()
            await found(down, others | {"portal"})


async def test_an_alert_fires_before_the_space_of_prometheus_is_full(folder: Path) -> None:
    size = filled(folder / "data")
    port = str(free_port())
    itself = {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    told = hurried(folder, [itself], megabytes=size / 0.85)
    with program("prometheus", folder, *told, ready="/-/ready", port=port) as prometheus:

        async def fires() -> bool:
            query = 'ALERTS{alertname="PrometheusNearSizeLimit",alertstate="firing"}'
            answer = prometheus.get("/api/v1/query", params={"query": query}).json()
            return bool(answer["data"]["result"])

        await eventually(fires, seconds=30)
