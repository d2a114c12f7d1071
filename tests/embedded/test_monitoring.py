"""Prometheus beside the embedded platform: asked for, it watches everything and tells the causes.

In: `platform`. Where a test is marked `monitoring`: a Prometheus in `.harena/bin` or on PATH too.
"""

import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from platform import node
from typing import Any

import httpx2
import psutil
import pytest
from tests.embedded.conftest import Platform, suspended

from harena_local.layout import SERVICES
from harena_local.process import wait_until
from harena_local.supervisor import Supervisor

ROOT = Path(__file__).parents[2]
NAMES = {service.name for service in SERVICES}
EXPORTERS = ("postgres", "redis", "node")
TARGETS = 2 * len(NAMES) + 2 + len(EXPORTERS)
# Two scrapes, and the ten seconds for which the first of them may wait.
SEEN_SECONDS = 45
# A window of a minute, a scrape that waits, an evaluation, and as much again for a busy machine.
ALERT_SECONDS = 180

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def folder(platform: Platform) -> Iterator[Path]:
    """Where the platform looks first for Prometheus; empty again afterwards."""
    folder = platform.home / "bin"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


class TestObstacles:
    """The platform is whole without Prometheus: what is in its way stops nothing."""

    def test_none_is_installed(self, platform: Platform, folder: Path) -> None:
        shown = platform.run("up", "--monitoring", PATH=str(folder)).stdout
        assert f"Monitoring is off, because no prometheus is in {folder}" in shown
        assert "henri@example.com / Henri123456" in shown
        assert "Alerts" not in shown
        assert platform.status()["prometheus"]["state"] == "off"
        platform.run("status")

    def test_its_port_is_taken(self, platform: Platform, folder: Path) -> None:
        (folder / "prometheus").touch(mode=0o755)
        port = platform.layout.prometheus.port
        with socket.create_server(("127.0.0.1", port)):
            shown = platform.run("up", "--monitoring").stdout
        assert f"Monitoring is off. Port {port} (prometheus) is not free" in shown
        assert platform.status()["prometheus"]["state"] == "off"

    def test_it_ends_at_once(self, platform: Platform, folder: Path) -> None:
        program = folder / "prometheus"
        program.write_text("#!/bin/sh\necho its last words\nexit 1\n")
        program.chmod(0o755)
        told = platform.run("up", "--monitoring", status=1).stderr
        assert "Not healthy: prometheus" in told
        assert "its last words" in told
        assert platform.status()["prometheus"]["state"] == "off"
        assert "prometheus is off" in platform.run("restart", "prometheus", status=1).stderr


@pytest.mark.monitoring
def test_an_exporter_that_is_not_installed_is_missed_in_a_sentence(
    platform: Platform, folder: Path
) -> None:
    for name in ("prometheus", "node_exporter"):
        (folder / name).symlink_to(program(name))
    shown = platform.run("up", "--monitoring", PATH=str(folder)).stdout
    missing = "postgres_exporter, redis_exporter"
    assert f"There are no figures of postgres, redis, for want of {missing} in {folder}" in shown
    assert "Alerts" in shown
    states = {name: row["state"] for name, row in platform.status().items()}
    assert states["prometheus"] == states["node-exporter"] == "healthy"
    assert states["postgres-exporter"] == states["redis-exporter"] == "off"
    platform.run("status")


@dataclass(frozen=True)
class Prometheus:
    """What Prometheus says by its HTTP API."""

    client: httpx2.Client
    shown: str
    """By the command that started it."""

    def get(self, path: str, **query: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}", params=query)
        answer.raise_for_status()
        return answer.json()["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of each series."""
        found = self.get("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]

    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("targets")["activeTargets"]
        return found

    def firing(self, name: str) -> list[dict[str, str]]:
        """The labels of each alert of this name that fires."""
        return [
            alert["labels"]
            for alert in self.get("alerts")["alerts"]
            if alert["labels"]["alertname"] == name and alert["state"] == "firing"
        ]


def program(name: str) -> Path:
    """A real one, of `make test-monitoring` or on PATH."""
    found = shutil.which(name, path=str(ROOT / ".harena" / "bin")) or shutil.which(name)
    assert found, f"no {name}: run `tools/prometheus.sh .harena/bin`, or `make test-monitoring`"
    return Path(found)


def impatient(rules: str) -> str:
    """The rules without what they wait for: a minute looked back at, and no `for`.

    promtool tests the patience itself, in monitoring/tests, without waiting for it.
    """
    return re.sub(r"^ +for: .*\n", "", rules, flags=re.MULTILINE).replace("[5m]", "[1m]")


@pytest.fixture(scope="module")
def prometheus(
    platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A real one with all exporters, and with the repository's rules, but no patience."""
    rules = tmp_path_factory.mktemp("rules")
    for file in (ROOT / "monitoring/rules").glob("*.yaml"):
        (rules / file.name).write_text(impatient(file.read_text()))
    folder = platform.home / "bin"
    folder.mkdir()
    for name in ("prometheus", *(f"{job}_exporter" for job in EXPORTERS)):
        (folder / name).symlink_to(program(name))
    shown = platform.run("up", "--monitoring", HARENA_RULES=str(rules)).stdout
    with httpx2.Client(base_url=platform.address("prometheus"), trust_env=False) as client:
        server = Prometheus(client, shown)

        def was_asked() -> bool:
            known = [target for target in server.targets() if target["health"] != "unknown"]
            return len(known) == TARGETS

        assert wait_until(was_asked, SEEN_SECONDS, every=0.5)
        yield server
    shutil.rmtree(folder)
    platform.run("down")


@pytest.mark.monitoring
class TestWatching:
    def test_every_target_of_every_job_is_up(self, prometheus: Prometheus) -> None:
        def found() -> dict[tuple[str, str | None], str]:
            return {
                (target["labels"]["job"], target["labels"].get("service")): target["lastError"]
                for target in prometheus.targets()
            }

        wanted: set[tuple[str, str | None]] = {
            (job, name) for job in ("harena", "harena-health") for name in NAMES
        }
        wanted |= {(job, None) for job in ("edge", "prometheus", *EXPORTERS)}
        assert wait_until(lambda: found() == dict.fromkeys(wanted, ""), SEEN_SECONDS), found()

    def test_targets_and_series_carry_the_labels_that_rules_rely_on(
        self, prometheus: Prometheus
    ) -> None:
        labels = {series["job"]: set(series) - {"__name__"} for series, _ in prometheus.query("up")}
        assert labels == {
            "harena": {"job", "instance", "service"},
            "harena-health": {"job", "instance", "service"},
            "edge": {"job", "instance"},
            "prometheus": {"job", "instance"},
            "postgres": {"job", "instance"},
            "redis": {"job", "instance"},
            "node": {"job", "instance", "node"},
        }
        # Figures of the process have no label of their own: the target's names the service.
        served = prometheus.query('process_resident_memory_bytes{job="harena"}')
        assert {series["service"] for series, _ in served} == NAMES
        assert prometheus.query('{__name__=~"harena_.*",exported_service!=""}') == []

    def test_everything_is_healthy(self, prometheus: Prometheus) -> None:
        found = prometheus.query("harena_health")
        assert {series["service"]: value for series, value in found} == dict.fromkeys(NAMES, 1.0)

    def test_stores_and_machine_have_figures(self, prometheus: Prometheus) -> None:

        def up() -> list[float]:
            return [value for _, value in prometheus.query("pg_up or redis_up")]

        assert wait_until(lambda: up() == [1.0, 1.0], SEEN_SECONDS), up()
        for recorded in (
            "postgres:connections_used:ratio",
            "redis:memory_used:ratio",
            "node:memory_used:ratio",
            "node:cpu_used:ratio_rate5m",
            "node_device:filesystem_used:ratio",
        ):

            def shares(name: str = recorded) -> list[float]:
                return [value for _, value in prometheus.query(name)]

            assert wait_until(lambda: len(shares()) > 0, SEEN_SECONDS, every=0.5), recorded
            assert all(0 <= share <= 1 for share in shares()), recorded
        [(labels, _)] = prometheus.query("node:memory_used:ratio")
        assert labels["node"] == node()

    def test_every_rule_can_be_evaluated(self, prometheus: Prometheus) -> None:
        def rules() -> list[dict[str, Any]]:
            return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]

        assert wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()), 60)
        assert {rule["name"]: rule.get("lastError") for rule in rules()} == {
            rule["name"]: None for rule in rules()
        }

    def test_the_series_are_few(self, prometheus: Prometheus, tell: Callable[[str], None]) -> None:
        [(_, series)] = prometheus.query("prometheus_tsdb_head_series")
        counted = prometheus.query("count by (job) ({__name__!=''})")
        by_job = {labels.get("job", "of rules"): int(count) for labels, count in counted}
        tell(f"{series:.0f} series, {by_job}")
        assert series < 15_000

    def test_people_see_where_it_is(self, platform: Platform, prometheus: Prometheus) -> None:
        address = platform.address("prometheus")
        [page] = [line.split()[1] for line in prometheus.shown.splitlines() if "Alerts" in line]
        assert page.startswith(address)
        assert httpx2.get(page, trust_env=False).status_code == 200
        row = platform.status()["prometheus"]
        assert (row["address"], row["state"]) == (address, "healthy")
        assert row["memory"] > 10_000_000
        assert "Server is ready" in platform.run("logs", "prometheus", "-n", "200").stdout


@pytest.mark.monitoring
class TestProcess:
    def test_killed_it_comes_back_with_what_it_knew(
        self, platform: Platform, prometheus: Prometheus
    ) -> None:
        began = time.time()
        platform.process("prometheus").kill()
        starts = platform.layout.state.starts("prometheus")

        def is_back() -> bool:
            return len(starts.read_text().split()) == 2 and platform.layout.prometheus.ready()

        assert wait_until(is_back, 15, every=0.1)
        past = prometheus.get("query", query='up{job="harena"}', time=f"{began}")["result"]
        assert {series["metric"]["service"] for series in past} == NAMES

    def test_a_second_up_leaves_it_as_it_is(
        self, platform: Platform, prometheus: Prometheus
    ) -> None:
        before = platform.process("prometheus")
        assert "Alerts" in platform.run("up").stdout
        assert platform.process("prometheus") == before

    @pytest.mark.parametrize("name", ["prometheus", *(f"{job}-exporter" for job in EXPORTERS)])
    def test_listens_on_loopback_only(
        self, platform: Platform, prometheus: Prometheus, name: str
    ) -> None:
        process = platform.process(name)
        listening = [
            connection.laddr.ip
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]


@contextmanager
def slow_database(platform: Platform) -> Iterator[None]:
    """Postgres stands still most of the time, and a user asks all the time."""
    over, asking = threading.Event(), threading.Event()
    postgres = platform.process("postgres")

    def stammer() -> None:
        while not over.is_set():
            with suspended(postgres):
                # Below the two seconds after which a health check gives up.
                over.wait(1.2)
            over.wait(0.3)

    def ask() -> None:
        with platform.login() as client:
            asking.set()
            while not over.wait(0.1):
                with suppress(httpx2.HTTPError):  # one that had to connect anew gives up
                    client.get(f"{platform.address('user')}/api/v1/accounts")

    user, trouble = threading.Thread(target=ask), threading.Thread(target=stammer)
    user.start()
    try:
        assert asking.wait(10)
        trouble.start()
        yield
    finally:
        over.set()
        user.join(30)
        if trouble.ident:
            trouble.join(30)


def still(name: str) -> Callable[[Platform], AbstractContextManager[None]]:
    """A part that stands still: alive, so that nothing restarts it, and silent."""
    return lambda platform: suspended(platform.process(name))


def gone(name: str) -> Callable[[Platform], AbstractContextManager[None]]:
    """A part that has ended, and is not started again before the trouble is over."""

    @contextmanager
    def stopped(platform: Platform) -> Iterator[None]:
        supervisor = Supervisor(platform.layout.state)
        part = platform.layout.parts[name].program
        supervisor.stop_program(part)
        try:
            yield
        finally:
            supervisor.start_program(part)

    return stopped


@dataclass(frozen=True)
class Trouble:
    """A real cause, and the alerts that it fires and that end with it."""

    name: str
    cause: Callable[[Platform], AbstractContextManager[None]]
    alerts: Sequence[str]
    service: str | None = None
    """Whose name the alerts carry, where they carry one."""


TROUBLES = (
    Trouble("a service stands still", still("search"), ["HarenaServiceDown"], "search"),
    Trouble(
        "Postgres stands still",
        still("postgres"),
        ["HarenaServiceUnhealthy", "HarenaDependencyDown"],
        "metric",
    ),
    Trouble("Postgres is gone", gone("postgres"), ["PostgresDown"]),
    Trouble("Redis stands still", still("valkey"), ["RedisDown"]),
    Trouble("the edge stands still", still("edge"), ["EdgeProbeFailing"]),
    Trouble("Postgres is slow", slow_database, ["HarenaRequestsSlow"], "user"),
)


@pytest.mark.monitoring
@pytest.mark.timeout(1200)
class TestAlerts:
    @pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
    def test_fire_by_their_cause_and_end_with_it(
        self,
        platform: Platform,
        prometheus: Prometheus,
        trouble: Trouble,
        tell: Callable[[str], None],
    ) -> None:
        def fires(name: str) -> bool:
            services = [labels.get("service") for labels in prometheus.firing(name)]
            return trouble.service in services

        def all_become(firing: bool) -> None:
            began = time.monotonic()
            for name in trouble.alerts:
                remaining = began + ALERT_SECONDS - time.monotonic()
                assert wait_until(lambda: fires(name) == firing, remaining, every=0.5), name  # noqa: B023
                said = "fired" if firing else "ended"
                tell(f"{name} {said} after {time.monotonic() - began:.0f} s")

        assert wait_until(lambda: not any(map(fires, trouble.alerts)), SEEN_SECONDS, every=0.5)
        with trouble.cause(platform):
            all_become(firing=True)
        all_become(firing=False)


@pytest.mark.monitoring
class TestDown:
    def test_it_ends_with_the_platform_and_is_not_remembered(
        self, platform: Platform, prometheus: Prometheus
    ) -> None:
        platform.run("down")
        assert platform.processes() == []
        assert "Alerts" not in platform.run("up").stdout
        assert platform.status()["prometheus"]["state"] == "off"

    def test_a_taken_port_costs_its_own_figures_only(
        self, platform: Platform, prometheus: Prometheus
    ) -> None:
        [port] = platform.layout.parts["node-exporter"].ports
        with socket.create_server(("127.0.0.1", port)):
            shown = platform.run("up", "--monitoring").stdout
        assert f"There are no figures of node. Port {port}" in shown
        assert platform.status()["prometheus"]["state"] == "healthy"
        assert platform.status()["redis-exporter"]["state"] == "healthy"
        assert platform.status()["node-exporter"]["state"] == "off"


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Shows what was measured, whatever else pytest keeps to itself."""

    def told(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {text}\n")

    return told
