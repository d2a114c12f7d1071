"""Both controllers keep the contract of the edge, with the Ingress objects of the chart."""

import asyncio
import base64
import itertools
import json
import ssl
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.cluster import hosts, traefik
from tests.cluster.cluster import (
    CHART,
    EDGE,
    ROOT,
    TLS_EDGE,
    Cluster,
    Object,
    eventually,
    image,
)
from tests.edge.client import values
from tests.edge.test_values import VALUES

from harena_edge import capabilities, model
from harena_edge.capabilities import EdgeKind


@dataclass(frozen=True)
class Controller:
    """What `ingress.controller` names, and where it answers."""

    value: str
    kind: EdgeKind
    url: str
    tls_url: str

    @property
    def namespace(self) -> str:
        return f"echo-{self.value}"


NGINX = Controller("nginx", "ingress-nginx", EDGE, TLS_EDGE)
TRAEFIK = Controller("traefik", "traefik", traefik.EDGE, traefik.TLS_EDGE)
SUITE = ("routing", "headers", "limits", "streams")
SUITE_SECONDS = 900
# The platform has its own.
SECURE = "secure.test"
# Some networks each, as a run of the suite counts up from its first.
_SOURCES = (f"10.46.{network}.1" for network in itertools.count(100, step=4))


def echo_pod(service: Object) -> Object:
    """A pod that one Service of the chart selects, and that answers as its service."""
    spec = service["spec"]
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


@dataclass(frozen=True)
class Echo:
    """Echo services behind the chart's Ingresses and Services, in a namespace of their own."""

    cluster: Cluster
    controller: Controller

    def apply(self, *values: str, routing: Object | None = None) -> list[Object]:
        """Gives the controller the chart's Ingresses with `--set` values; the Services, too."""
        rendered = self.cluster.run(
            *("helm", "template", "echo", str(CHART), "--namespace", self.controller.namespace),
            *("--show-only", "templates/ingress.yaml"),
            *("--show-only", "templates/service/service.yaml"),
            *(
                f"--set={value}"
                for value in (f"ingress.controller={self.controller.value}", *values)
            ),
            f"--set-json=routing={json.dumps(routing or {})}",
        )
        objects = [item for item in yaml.safe_load_all(rendered) if item]
        self.send(objects)
        return objects

    def send(self, objects: list[Object]) -> None:
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        namespace = f"--namespace={self.controller.namespace}"
        self.cluster.kubectl("apply", namespace, "--filename=-", given=given)

    def everywhere(
        self, holds: Callable[[httpx2.Response], bool], *, url: str = "", **options: Any
    ) -> bool:
        """Whether it holds for every route; a controller learns of one Ingress after the other.

        `options` are the client's, and `extensions` a request's.
        """
        extensions = options.pop("extensions", {})
        paths = [next(route.matches()).path for route in model.load().enabled_routes.values()]
        url = url or self.controller.url
        with httpx2.Client(base_url=url, trust_env=False, **options) as client:
            return all(holds(client.get(path, extensions=extensions)) for path in paths)

    def keeps_the_contract(self, tests: Sequence[str], report: Path, **environment: str) -> int:
        """Runs these files of the contract suite, and returns how many tests passed."""
        files = [str(ROOT / f"tests/edge/test_{name}.py") for name in tests]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", f"--junitxml={report}", *files],
            cwd=ROOT,
            env={
                "PATH": "/usr/bin:/bin",
                "EDGE_URL": self.controller.url,
                "EDGE_KIND": self.controller.kind,
                "EDGE_SOURCE": next(_SOURCES),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=SUITE_SECONDS,
        )
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
        [suite] = ElementTree.parse(report).getroot()  # noqa: S314 -- our own
        assert suite.attrib["skipped"] == "0"
        return int(suite.attrib["tests"])


def of_a_service(answer: httpx2.Response) -> bool:
    """Not the edge's own, which has found none yet; the 404 is the portal's."""
    return answer.status_code == 200 or (answer.status_code == 404 and "NOT_FOUND" in answer.text)


@pytest.fixture(scope="module", params=[NGINX, TRAEFIK], ids=lambda controller: controller.value)
def echo(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Echo]:
    """A controller that gives the platform's routes to echo services, for any host."""
    controller: Controller = request.param
    if controller is TRAEFIK:
        request.getfixturevalue("with_traefik")
    namespace = f"--namespace={controller.namespace}"
    cluster.fresh_namespace(controller.namespace)
    echo = Echo(cluster, controller)
    echo.send([echo_pod(item) for item in echo.apply() if item["kind"] == "Service"])
    cluster.kubectl(
        *("wait", namespace, "--for=condition=Ready", "pods", "--all", "--timeout=120s"),
        seconds=150,
    )
    # A controller hears of a pod that is ready up to 3.3 s late.
    assert eventually(lambda: echo.everywhere(of_a_service), 30)
    yield echo
    cluster.kubectl("delete", "namespace", controller.namespace, "--wait=false")


@pytest.mark.timeout(SUITE_SECONDS + 300)
def test_the_contract_suite_passes(echo: Echo, tmp_path: Path) -> None:
    assert echo.keeps_the_contract(SUITE, tmp_path / "edge.xml") > 150


def test_values_change_what_they_say(echo: Echo, tmp_path: Path) -> None:
    echo.apply(routing=VALUES)

    def lists_origins() -> bool:
        stranger = {"Origin": "https://other.test"}
        lacks = lambda answer: "Access-Control-Allow-Origin" not in answer.headers  # noqa: E731
        return echo.everywhere(lacks, headers=stranger)

    assert eventually(lists_origins, 30)
    given = json.dumps(VALUES)
    assert echo.keeps_the_contract(["values"], tmp_path / "edge.xml", EDGE_ROUTING=given) > 10


async def test_by_tls_every_answer_says_to_stay_there(echo: Echo) -> None:
    """With a certificate of the chart's value; by HTTP a client is only sent to HTTPS."""
    secret = hosts.certificate(SECURE, days=5)
    echo.send([secret])
    echo.apply(
        f"ingress.hosts={{{SECURE}}}",
        "ingress.tls.enabled=true",
        f"ingress.tls.secretName={hosts.NAME}",
    )
    trusted = ssl.create_default_context(
        cadata=base64.b64decode(secret["data"]["tls.crt"]).decode()
    )
    routing = model.load()
    by_http, by_tls = echo.controller.url, echo.controller.tls_url
    host, named = {"Host": SECURE}, {"sni_hostname": SECURE}

    def moved() -> bool:
        return echo.everywhere(
            of_a_service, url=by_tls, headers=host, verify=trusted, extensions=named
        ) and echo.everywhere(lambda answer: answer.status_code == 308, headers=host)

    assert await asyncio.to_thread(eventually, moved, 30)
    transport = httpx2.AsyncHTTPTransport(
        local_address=next(_SOURCES),
        verify=trusted,
        limits=httpx2.Limits(max_connections=10),  # a handshake takes longer than a request
    )
    async with httpx2.AsyncClient(headers=host, transport=transport, timeout=20) as client:

        async def ask(path: str, **more: Any) -> httpx2.Response:
            return await client.request(url=f"{by_tls}{path}", extensions=named, **more)

        async def get(path: str) -> httpx2.Response:
            return await ask(path, method="GET")

        first = await get("/api/v1/users/me")
        assert dict(first.json()["headers"])["x-forwarded-proto"] == "https"
        docs = routing.routes["docs"]
        burst = await asyncio.gather(*(get("/docs") for _ in range(3 * docs.burst)))
        answers = {answer.status_code: answer for answer in (first, *burst)}
        wanted = {200, 429}
        if "refused_while_sending" in capabilities.load().of(echo.controller.kind):
            body = bytes(docs.body_limit + 1)
            answers[413] = await ask("/docs", method="POST", content=body)
            wanted.add(413)
        assert answers.keys() == wanted
        for answer in answers.values():
            found = values(answer, "Strict-Transport-Security")
            assert found == [routing.strict_transport_security]

        plain = await client.get(f"{by_http}/docs?page=1")
        assert plain.status_code == 308
        assert plain.headers["Location"] == f"https://{SECURE}/docs?page=1"
