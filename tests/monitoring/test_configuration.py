"""The configurations that the chart renders, given to the programs that read them.

In: the programs that tools/prometheus.sh unpacked. Prometheus is Debian's, which is built without
the discovery of Kubernetes: what discovery would find is written here instead, and what the
configuration makes of it is Prometheus' own. Discovery itself is for a cluster, and so is a running
Alertmanager: Debian's wants a file below /usr/share.
"""

import json
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.conftest import KUBERNETES, Values, objects_of
from tests.chart.objects import Objects, environment
from tests.monitoring.conftest import BIN, program

from harena_db.roles import MONITOR
from harena_db.testing import PASSWORD
from harena_local.postgres import Postgres
from harena_local.process import wait_until
from harena_local.valkey import Valkey

pytestmark = pytest.mark.monitoring

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
CREDENTIALS = "/run/secrets/harena"
EXAMPLES = [(), ("everything",), ("external",)]
SECONDS = 30

SERVICE_PAGE = """# TYPE harena_health gauge
harena_health{service="itself"} 1
# TYPE process_start_time_seconds gauge
process_start_time_seconds 5
"""
CADVISOR_PAGE = """# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="",id="/",image="",name="",namespace="",pod=""} 1
container_memory_working_set_bytes{container="",id="/a",image="",name="",namespace="n",pod="p"} 2
container_memory_working_set_bytes{container="c",id="/a/b",image="i",namespace="n",pod="p"} 3
# TYPE container_tasks_state gauge
container_tasks_state{container="c",id="/a/b",image="i",name="x",namespace="n",pod="p"} 4
# TYPE machine_memory_bytes gauge
machine_memory_bytes{boot_id="b",machine_id="m",system_uuid="s"} 5
"""


def rendered(*files: str, **values: Any) -> Objects:
    return objects_of(yaml.safe_dump(values), files, KUBERNETES[0])


def run(*command: str | Path) -> str:
    """Its output, or what it complained about as AssertionError."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Site:
    """A server that answers pages."""

    def __init__(self, **pages: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path.strip("/").replace("/", "_"))
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write((page or "").encode())

            def log_message(self, *_: object) -> None:
                """Nothing to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Site":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def prometheus_yaml(objects: Objects) -> dict[str, Any]:
    [found] = [
        found for name, found in objects.of("ConfigMap").items() if name.endswith("-prometheus")
    ]
    configuration: dict[str, Any] = yaml.safe_load(found["data"]["prometheus.yml"])
    return configuration


def without_discovery(configuration: dict[str, Any], folder: Path) -> Path:
    """The file for Debian's Prometheus, with the paths of a pod moved into `folder`."""
    for job in configuration["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job.setdefault("static_configs", [])
    text = (
        yaml.safe_dump(configuration).replace(ACCOUNT, str(folder)).replace("/rules/", f"{folder}/")
    )
    for name in ("token", "ca.crt"):
        (folder / name).touch()
    file = folder / "prometheus.yml"
    file.write_text(text)
    return file


class TestPrometheus:
    @pytest.mark.parametrize("files", EXAMPLES, ids=str)
    def test_takes_the_configuration(self, files: tuple[str, ...], folder: Path) -> None:
        configuration = prometheus_yaml(rendered(*files))
        for job in configuration["scrape_configs"]:
            job.get("tls_config", {}).pop("ca_file", None)  # there is no authority here

        run(BIN / "promtool", "check", "config", without_discovery(configuration, folder))

    def test_scrapes_and_labels_as_the_rules_expect(self, folder: Path) -> None:
        objects = rendered(monitoring={"alertmanager": {"enabled": False}})
        configuration = prometheus_yaml(objects)
        pages = {"metrics": SERVICE_PAGE, "health": SERVICE_PAGE, "metrics_cadvisor": CADVISOR_PAGE}
        with Site(**pages) as site:
            found = {
                "harena": [
                    pod("user", "http"),
                    pod("user", "http", phase="Succeeded"),
                    pod("portal", "http"),
                    pod("portal", "internal"),
                    pod("postgres", "postgres"),
                ],
                "cadvisor": [{"__meta_kubernetes_node_name": "one"}],
            }
            found["harena-health"] = found["harena"]
            jobs = {job["job_name"]: job for job in configuration["scrape_configs"]}
            configuration["scrape_configs"] = [jobs[name] for name in found]
            configuration["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
            for name, targets in found.items():
                jobs[name]["static_configs"] = [
                    {"targets": [site.address], "labels": labels} for labels in targets
                ]
            # The kubelet's own door: TLS, and a token.
            for key in ("scheme", "authorization", "tls_config"):
                del jobs["cadvisor"][key]
            file = without_discovery(configuration, folder)
            arguments = [
                argument.replace("/etc/prometheus/prometheus.yml", str(file)).replace(
                    "path=/prometheus", f"path={folder}/data"
                )
                for argument in objects.pod("prometheus").main["args"]
            ]
            with program("prometheus", folder, *arguments, ready="/-/ready") as client:

                def series(selector: str) -> list[dict[str, str]]:
                    answer = client.get("/api/v1/query", params={"query": selector}).json()
                    return [
                        {
                            k: v
                            for k, v in one["metric"].items()
                            if k not in ("__name__", "instance")
                        }
                        for one in answer["data"]["result"]
                    ]

                assert wait_until(lambda: len(series("up == 1")) == 5, SECONDS)
                assert sorted(map(str, series("up"))) == sorted(
                    map(
                        str,
                        [
                            *(
                                {"job": job, "pod": f"{name}-pod", "service": name}
                                for job in ("harena", "harena-health")
                                for name in ("user", "portal")
                            ),
                            {"job": "cadvisor", "node": "one"},
                        ],
                    )
                )
                # A service says itself which it is; where it does not, the target does.
                own, process = series("harena_health"), series("process_start_time_seconds")
                assert {one["service"] for one in own} == {"itself"}
                assert {one["service"] for one in process} == {"user", "portal"}

                kept = series('{job="cadvisor", __name__=~"container_.*|machine_.*"}')
                assert sorted(map(str, kept)) == sorted(
                    map(
                        str,
                        [
                            {"job": "cadvisor", "node": "one"},
                            {"id": "/", "job": "cadvisor", "node": "one"},
                            {
                                "container": "c",
                                "id": "/a/b",
                                "job": "cadvisor",
                                "namespace": "n",
                                "node": "one",
                                "pod": "p",
                            },
                        ],
                    )
                )


def pod(component: str, port: str, phase: str = "Running") -> dict[str, str]:
    """What discovery says of one port of a pod."""
    return {
        "__meta_kubernetes_pod_label_app_kubernetes_io_component": component,
        "__meta_kubernetes_pod_container_port_name": port,
        "__meta_kubernetes_pod_name": f"{component}-pod",
        "__meta_kubernetes_pod_phase": phase,
    }


def alertmanager_yaml(folder: Path, *files: str, **receivers: Any) -> Path:
    values: Values = {"monitoring": {"alertmanager": {"receivers": receivers}}} if receivers else {}
    objects = rendered(*files, **values)
    [secret] = [
        found for name, found in objects.of("Secret").items() if name.endswith("-alertmanager")
    ]
    file = folder / "alertmanager.yml"
    file.write_text(secret["stringData"]["alertmanager.yml"].replace(CREDENTIALS, str(folder)))
    return file


class TestAlertmanager:
    @pytest.mark.parametrize("files", EXAMPLES[:2], ids=str)
    def test_takes_the_configuration(self, files: tuple[str, ...], folder: Path) -> None:
        run(BIN / "amtool", "check-config", alertmanager_yaml(folder, *files))

    @pytest.mark.parametrize(
        ("labels", "receiver"),
        [
            (("alertname=Watchdog", "severity=none"), "heartbeat"),
            (("alertname=Down", "severity=critical", "service=user"), "people"),
            (("alertname=Slow", "severity=warning"), "people"),
            (("alertname=Other",), "people"),
        ],
    )
    def test_routes(self, labels: tuple[str, ...], receiver: str, folder: Path) -> None:
        file = alertmanager_yaml(folder, "everything")

        found = run(BIN / "amtool", "config", "routes", "test", f"--config.file={file}", *labels)
        assert found.strip() == receiver


class TestExporters:
    def test_postgres_s_logs_in_as_the_chart_has_it(
        self, postgres: Postgres, database_server: str, folder: Path
    ) -> None:
        assert database_server  # the roles are there
        told = environment(rendered().pod("postgres-exporter").main)
        assert told["DATA_SOURCE_USER"] == MONITOR
        (folder / "password").write_text(PASSWORD)
        told = {name: value.replace(CREDENTIALS, str(folder)) for name, value in told.items()}
        told["DATA_SOURCE_URI"] = told["DATA_SOURCE_URI"].replace(
            "rel-postgres:5432", f"127.0.0.1:{postgres.port}"
        )
        with program("postgres_exporter", folder, **told) as client:
            assert wait_until(lambda: "\npg_up 1\n" in client.get("/metrics").text, SECONDS)
            page = client.get("/metrics").text

        assert re.search(r'^pg_database_size_bytes\{datname="harena_template"', page, re.MULTILINE)
        assert "pg_settings_max_connections" in page
        assert "pg_stat_activity_count" in page

    def test_redis_s_logs_in_as_the_chart_has_it(self, valkey: Valkey, folder: Path) -> None:
        objects = rendered()
        told = environment(objects.pod("redis-exporter").main)
        address = f"redis://127.0.0.1:{valkey.port}"
        given = json.loads(objects["Secret", "rel-redis"]["stringData"]["exporter.json"])
        assert list(given) == [told["REDIS_ADDR"]]
        (folder / "exporter.json").write_text(json.dumps({address: valkey.password}))
        told = {name: value.replace(CREDENTIALS, str(folder)) for name, value in told.items()}
        with program("redis_exporter", folder, **{**told, "REDIS_ADDR": address}) as client:
            page = client.get("/metrics").text

        assert "\nredis_up 1\n" in page

    @pytest.mark.parametrize(
        ("component", "address", "down"),
        [
            ("postgres-exporter", "rel-postgres:5432", "\npg_up 0\n"),
            ("redis-exporter", "rel-redis:6379", "\nredis_up 0\n"),
        ],
    )
    def test_a_store_that_says_nothing_is_given_up_before_prometheus_gives_up(
        self, component: str, address: str, down: str, folder: Path
    ) -> None:
        """Without an answer in its time the store would not be down, but unknown."""
        told = environment(rendered().pod(component).main)
        scrape = prometheus_yaml(rendered())["global"]["scrape_timeout"]
        (folder / "password").write_text(PASSWORD)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            here = f"127.0.0.1:{silent.getsockname()[1]}"
            (folder / "exporter.json").write_text(json.dumps({f"redis://{here}": PASSWORD}))
            told = {
                name: value.replace(CREDENTIALS, str(folder)).replace(address, here)
                for name, value in told.items()
            }
            name = component.replace("-", "_")
            with program(name, folder, **told) as client:
                page = client.get("/metrics", timeout=float(scrape.removesuffix("s"))).text

        assert down in page
