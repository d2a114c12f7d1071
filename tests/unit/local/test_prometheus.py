"""Prometheus' configuration, made from the same table as what starts the services."""

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


@pytest.fixture
def configuration(layout: Layout) -> dict[str, Any]:
    """As Prometheus reads it."""
    layout.configure_prometheus()
    [option] = [word for word in layout.prometheus.argv if word.startswith("--config.file=")]
    read: dict[str, Any] = yaml.safe_load(Path(option.partition("=")[2]).read_text())
    return read


def jobs(configuration: dict[str, Any]) -> dict[str, Any]:
    return {job["job_name"]: job for job in configuration["scrape_configs"]}


class TestConfiguration:
    def test_has_the_jobs_of_a_cluster_that_are_here(self, configuration: dict[str, Any]) -> None:
        assert list(jobs(configuration)) == ["harena", "harena-health", "edge", "prometheus"]

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

    def test_asks_the_edge_and_itself(self, configuration: dict[str, Any]) -> None:
        found = {
            name: [config["targets"] for config in job["static_configs"]]
            for name, job in jobs(configuration).items()
        }
        assert found["edge"] == [[f"127.0.0.1:{8080 + OFFSET}"]]
        assert found["prometheus"] == [[f"127.0.0.1:{9090 + OFFSET}"]]

    def test_asks_for_health_where_health_is(self, configuration: dict[str, Any]) -> None:
        paths = {name: job.get("metrics_path") for name, job in jobs(configuration).items()}
        assert paths == {
            "harena": None,
            "harena-health": "/health",
            "edge": "/health",
            "prometheus": None,
        }

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
        changes = [Layout(each).configure_prometheus() for each in (settings, settings, moved)]
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

    def program(self, folder: Path) -> Path:
        path = folder / "prometheus"
        path.touch(mode=0o755)
        return path

    def test_the_platform_s_own_comes_before_the_system_s(self, folders: tuple[Path, Path]) -> None:
        own, system = folders
        assert prometheus.find(own) == own / "prometheus"
        theirs = self.program(system)
        assert prometheus.find(own) == theirs
        ours = self.program(own)
        assert prometheus.find(own) == ours

    def test_where_there_is_none_a_sentence_says_what_to_do(
        self, folders: tuple[Path, Path], settings: LocalSettings
    ) -> None:
        platform = Embedded(settings)
        told = platform.monitor(lambda step: None)
        assert told is not None
        assert told.startswith("Monitoring is off, because no prometheus is in ")
        assert f"`tools/prometheus.sh {settings.harena_home / 'bin'}`" in told

    def test_a_file_that_cannot_be_run_is_none(self, folders: tuple[Path, Path]) -> None:
        own, _ = folders
        self.program(own).chmod(0o644)
        server = Prometheus(prometheus.find(own), own, own, free_port(), Identity("plain"))
        assert not server.installed
