"""Debian's Prometheus and exporters, really running: what they export, and an alert that fires.

In: the programs that tools/prometheus.sh unpacked, a Postgres and a Valkey from their wheels, and
the rules, with the minutes of their `for` turned into seconds.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import yaml
from tests.monitoring.definitions import ROOT, RULES

from harena_core.testing import eventually, free_port, running
from harena_local.postgres import Postgres
from harena_local.process import Running, identity
from harena_local.valkey import Valkey
from harena_portal.main import Portal
from harena_portal.settings import PortalSettings

pytestmark = pytest.mark.monitoring

BIN = ROOT / ".harena" / "bin"
LISTED = yaml.safe_load(Path(__file__).with_name("exporters.yaml").read_text())


class Program:
    """One of the programs on a port of its own."""

    def __init__(self, name: str, folder: Path, *arguments: str, **environment: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = [f"{key}={value}" for key, value in environment.items()]
        command = [str(BIN / name), f"--web.listen-address=127.0.0.1:{port}", *arguments]
        self._process = Running(
            ["/usr/bin/env", *settings, *command],
            self._answers,
            who=identity(),
            log=folder / f"{name}.log",
        )

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/metrics", timeout=5, trust_env=False).is_success
        except httpx2.TransportError:
            return False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx2.AsyncClient]:
        """A client of it. Its start is waited for in a thread: it may want to be answered by us."""
        await asyncio.to_thread(self._process.start)
        try:
            async with httpx2.AsyncClient(base_url=self.url, trust_env=False) as client:
                yield client
        finally:
            await asyncio.to_thread(self._process.stop)


async def exported(client: httpx2.AsyncClient) -> set[str]:
    """The names of its series, as Prometheus stores them."""
    page = (await client.get("/metrics")).text
    return set(re.findall(r"^(\w+)[{ ]", page, flags=re.MULTILINE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the programs, which do not run as root, may read and write."""
    return identity().own(tmp_path / "programs")


async def test_the_postgres_exporter(postgres: Postgres, folder: Path) -> None:
    url = postgres.url("postgres") + "?sslmode=disable"
    async with Program("postgres_exporter", folder, DATA_SOURCE_NAME=url).running() as exporter:
        assert set(LISTED["postgres_exporter"]["metrics"]) - await exported(exporter) == set()


async def test_the_redis_exporter(valkey: Valkey, folder: Path) -> None:
    address = f"redis://127.0.0.1:{valkey.port}"
    program = Program("redis_exporter", folder, REDIS_ADDR=address, REDIS_PASSWORD=valkey.password)
    async with program.running() as exporter:
        assert set(LISTED["redis_exporter"]["metrics"]) - await exported(exporter) == set()


async def test_the_node_exporter(folder: Path) -> None:
    async with Program("node_exporter", folder).running() as exporter:
        assert set(LISTED["node_exporter"]["metrics"]) - await exported(exporter) == set()


def hurried_prometheus(folder: Path, target: str) -> Program:
    """A Prometheus with our rules that looks at one service every second."""
    rules = folder / "rules"
    rules.mkdir()
    for path in RULES:
        hurried = re.sub(r"^(\s+for:) .*", r"\1 2s", path.read_text(), flags=re.MULTILINE)
        (rules / path.name).write_text(hurried)
    targets = [{"targets": [target], "labels": {"service": "portal"}}]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{rules}/*.yaml"],
        # Nobody listens there: what cannot be delivered is counted.
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:1"]}]}]},
        "scrape_configs": [
            {"job_name": job, "honor_labels": True, "metrics_path": path, "static_configs": targets}
            for job, path in (("harena", "/metrics"), ("harena-health", "/health"))
        ],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    identity().own(folder)
    return Program(
        "prometheus",
        folder,
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.size=100MB",
    )


async def services(prometheus: httpx2.AsyncClient, query: str) -> set[str]:
    """The services of which a query finds a series."""
    answer = (await prometheus.get("/api/v1/query", params={"query": query})).json()
    return {row["metric"]["service"] for row in answer["data"]["result"]}


async def test_an_alert_fires_for_the_service_that_was_stopped(folder: Path) -> None:
    down = 'ALERTS{alertname="HarenaServiceDown",alertstate="firing"}'
    others = {"user", "search", "metric", "budget", "conversation"}
    settings = PortalSettings()
    async with AsyncExitStack() as watching, AsyncExitStack() as serving:
        app = running(Portal(settings).operations, settings)
        portal = await serving.enter_async_context(app)
        program = hurried_prometheus(folder, portal.base_url.netloc.decode())
        prometheus = await watching.enter_async_context(program.running())

        async def found(query: str, expected: set[str]) -> None:
            async def met() -> bool:
                return await services(prometheus, query) == expected

            await eventually(met, seconds=30)

        await found("service:health:max == 1", {"portal"})
        await found(down, others)
        groups = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
        rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
        assert {name for name, health in rules.items() if health != "ok"} == set()
        assert set(LISTED["prometheus"]["metrics"]) - await exported(prometheus) == set()

        await serving.aclose()
        await found(down, others | {"portal"})
