"""Both controllers keep the contract of the edge, with the Ingress objects of the chart."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.cluster import traefik
from tests.cluster.cluster import CHART, EDGE, ROOT, Cluster, image

from harena_edge.capabilities import EdgeKind


@dataclass(frozen=True)
class Controller:
    """What `ingress.controller` names, and where it answers."""

    value: str
    kind: EdgeKind
    url: str

    @property
    def namespace(self) -> str:
        return f"echo-{self.value}"


NGINX = Controller("nginx", "ingress-nginx", EDGE)
TRAEFIK = Controller("traefik", "traefik", traefik.EDGE)
SUITE = ("routing", "headers", "limits", "streams")
SUITE_SECONDS = 900
FIRST_SOURCE = "10.46.8.1"


def echo_pod(service: dict[str, object]) -> dict[str, object]:
    """A pod that one Service of the chart selects, and that answers as its service."""
    spec = service["spec"]
    assert isinstance(spec, dict)
    labels, port = spec["selector"], spec["ports"][0]["port"]
    name = labels["app.kubernetes.io/component"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "echo",
                    "image": image("echo"),
                    "imagePullPolicy": "Never",
                    "args": ["--host", "0.0.0.0", f"{name}={port}"],  # noqa: S104 -- a pod's own
                    "ports": [{"name": "http", "containerPort": port}],
                    "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


@pytest.fixture(params=[NGINX, TRAEFIK], ids=lambda controller: controller.value)
def controller(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Controller]:
    """A controller with echo services behind the chart's Ingresses and Services, for any host."""
    found: Controller = request.param
    if found is TRAEFIK:
        request.getfixturevalue("with_traefik")
    cluster.fresh_namespace(found.namespace)
    rendered = cluster.run(
        *("helm", "template", "echo", str(CHART), "--namespace", found.namespace),
        *("--set", f"ingress.controller={found.value}"),
        *("--show-only", "templates/ingress.yaml"),
        *("--show-only", "templates/service/service.yaml"),
    )
    objects = [item for item in yaml.safe_load_all(rendered) if item]
    pods = [echo_pod(item) for item in objects if item["kind"] == "Service"]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*objects, *pods]})
    cluster.kubectl("apply", f"--namespace={found.namespace}", "--filename=-", given=given)
    cluster.kubectl(
        *("wait", f"--namespace={found.namespace}", "--for=condition=Ready", "pods", "--all"),
        "--timeout=120s",
        seconds=150,
    )
    yield found
    cluster.kubectl("delete", "namespace", found.namespace, "--timeout=120s", seconds=150)


@pytest.mark.timeout(SUITE_SECONDS + 300)
def test_the_contract_suite_passes(controller: Controller, tmp_path: Path) -> None:
    report = tmp_path / "edge.xml"
    tests = [str(ROOT / f"tests/edge/test_{name}.py") for name in SUITE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "--tb=short", f"--junitxml={report}", *tests],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "EDGE_URL": controller.url,
            "EDGE_KIND": controller.kind,
            "EDGE_SOURCE": FIRST_SOURCE,
        },
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    [suite] = ElementTree.parse(report).getroot()  # noqa: S314 -- our own
    assert int(suite.attrib["tests"]) > 150
    assert suite.attrib["skipped"] == "0"
