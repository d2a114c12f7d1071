"""Prometheus' configuration, made from the same table as what starts the services."""

import platform
from pathlib import Path
from typing import Any

import pytest
import yaml

from harena_core.testing import free_port
from harena_local import prometheus
from harena_local.embedded import Embedded
from harena_local.layout import Layout
from harena_local.process import Identity
from harena_local.prometheus import Prometheus
from harena_local.state import LocalSettings

# The documented ports of probes and metrics; the portal's are not on the one that the edge shows.
PORTS = {
    "user": 3000,
    "search": 3001,
    "metric": 3002,
    "budget": 3006,
    "conversation": 3008,
    "portal": 3011,
}
OFFSET = 100


@pytest.fixture
def settings(tmp_path: Path) -> LocalSettings:
    home, rules = tmp_path / "my home", tmp_path / "my rules"
    return LocalSettings(harena_home=home, harena_port_offset=OFFSET, harena_rules=rules)


@pytest.fixture
def layout(settings: LocalSettings) -> Layout:
    layout = Layout(settings)
    layout.state.make_folders()
    return layout


def install(folder: Path, *names: str) -> None:
    """Programs that are there, and do nothing."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch(mode=0o755)


@pytest.fixture
def configuration(layout: Layout) -> dict[str, Any]:
    """As Prometheus reads it, with every exporter there."""
    install(layout.programs, "postgres_exporter", "redis_exporter", "node_exporter")
    return read(layout)


def read(layout: Layout) -> dict[str, Any]:
    layout.configure_monitoring([each for each in layout.exporters if each.installed])
    [option] = [word for word in layout.prometheus.argv if word.startswith("--config.file=")]
    found: dict[str, Any] = yaml.safe_load(Path(option.partition("=")[2]).read_text())
    return found


def jobs(configuration: dict[str, Any]) -> dict[str, Any]:
    return {job["job_name"]: job for job in configuration["scrape_configs"]}


class TestConfiguration:
    def test_has_the_jobs_of_a_cluster_that_are_here(self, configuration: dict[str, Any]) -> None:
        assert list(jobs(configuration)) == [
            *("harena", "harena-health", "edge", "prometheus", "postgres", "redis", "node")
        ]

    @pytest.mark.parametrize("job", ["harena", "harena-health"])
    def test_asks_every_service_where_it_listens_and_names_it(
        self, configuration: dict[str, Any], job: str
    ) -> None:
        targets = jobs(configuration)[job]["static_configs"]
        assert targets == [
            {"targets": [f"127.0.0.1:{port + OFFSET}"], "labels": {"service": name}}
            for name, port in PORTS.items()
        ]
        # Or the services' own label would become exported_service.
        assert jobs(configuration)[job]["honor_labels"] is True

    def test_asks_the_edge_itself_and_the_exporters(self, configuration: dict[str, Any]) -> None:
        found = {
            name: [config["targets"] for config in job["static_configs"]]
            for name, job in jobs(configuration).items()
        }
        assert found["edge"] == [[f"127.0.0.1:{8080 + OFFSET}"]]
        ports = {"prometheus": 9090, "postgres": 9187, "redis": 9121, "node": 9100}
        for name, port in ports.items():
            assert found[name] == [[f"127.0.0.1:{port + OFFSET}"]]

    def test_asks_for_health_where_health_is(self, configuration: dict[str, Any]) -> None:
        paths = {name: job.get("metrics_path") for name, job in jobs(configuration).items()}
        assert paths == {
            "harena": None,
            "harena-health": "/health",
            "edge": "/health",
            **dict.fromkeys(("prometheus", "postgres", "redis", "node")),
        }

    def test_names_the_machine_as_a_kubelet_does(self, configuration: dict[str, Any]) -> None:
        [target] = jobs(configuration)["node"]["static_configs"]
        assert target["labels"] == {"node": platform.node()}

    def test_has_no_job_for_what_is_not_installed(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(layout.programs))
        install(layout.programs, "redis_exporter")
        asked = set(jobs(read(layout)))
        assert asked == {"harena", "harena-health", "edge", "prometheus", "redis"}

    def test_asks_and_evaluates_as_on_a_cluster(self, configuration: dict[str, Any]) -> None:
        assert configuration["global"] == {"scrape_interval": "15s", "evaluation_interval": "15s"}

    def test_reads_every_rule_of_the_folder(
        self, configuration: dict[str, Any], settings: LocalSettings
    ) -> None:
        assert configuration["rule_files"] == [f"{settings.harena_rules}/*.yaml"]

    def test_the_rules_are_the_repository_s(self) -> None:
        assert LocalSettings().rules == Path(__file__).parents[3] / "monitoring" / "rules"

    def test_says_whether_it_changed(self, settings: LocalSettings) -> None:
        moved = settings.model_copy(update={"harena_rules": settings.rules / "other"})
        Layout(settings).state.make_folders()
        changes = [Layout(each).configure_monitoring([]) for each in (settings, settings, moved)]
        assert changes == [True, False, True]


class TestServer:
    def server(self, binary: Path) -> Prometheus:
        folder = binary.parent
        return Prometheus(binary, folder / "run", folder / "data", 9190, Identity("plain"))

    def test_listens_on_loopback_and_forgets_in_time(self, tmp_path: Path) -> None:
        words = self.server(tmp_path / "prometheus").argv
        assert words[0] == str(tmp_path / "prometheus")
        assert {
            "--web.listen-address=127.0.0.1:9190",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            "--storage.tsdb.retention.time=15d",
            "--storage.tsdb.retention.size=2GB",
        } <= set(words)

    def test_only_debian_s_is_told_where_its_pages_are(self, tmp_path: Path) -> None:
        server = self.server(tmp_path / "bin" / "prometheus")
        assert not [word for word in server.argv if "local-assets" in word]
        pages = tmp_path / "share" / "prometheus" / "web"
        (pages / "templates").mkdir(parents=True)
        assert f"--web.local-assets={pages}/" in server.argv


class TestFinding:
    @pytest.fixture
    def folders(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
        """The platform's own folder, and the one on PATH; both are empty."""
        own, system = tmp_path / "own", tmp_path / "system"
        for folder in (own, system):
            folder.mkdir()
        monkeypatch.setenv("PATH", str(system))
        return own, system

    def test_the_platform_s_own_comes_before_the_system_s(self, folders: tuple[Path, Path]) -> None:
        own, system = folders
        assert prometheus.find("prometheus", own) == own / "prometheus"
        install(system, "prometheus")
        assert prometheus.find("prometheus", own) == system / "prometheus"
        install(system, "prometheus-node-exporter")  # Debian's name
        assert prometheus.find("node_exporter", own) == system / "prometheus-node-exporter"
        install(own, "prometheus")
        assert prometheus.find("prometheus", own) == own / "prometheus"

    def test_where_there_is_none_a_sentence_says_what_to_do(
        self, folders: tuple[Path, Path], settings: LocalSettings
    ) -> None:
        [told] = Embedded(settings).monitor(lambda step: None)
        assert told.startswith("Monitoring is off, because no prometheus is in ")
        assert f"`tools/prometheus.sh {settings.harena_home / 'bin'}`" in told

    def test_a_file_that_cannot_be_run_is_none(self, folders: tuple[Path, Path]) -> None:
        own, _ = folders
        install(own, "prometheus")
        (own / "prometheus").chmod(0o644)
        server = Prometheus(
            prometheus.find("prometheus", own), own, own, free_port(), Identity("plain")
        )
        assert not server.installed
