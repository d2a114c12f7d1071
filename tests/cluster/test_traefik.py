"""One value gives the platform to the other controller, and back."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.cluster import traefik
from tests.cluster.cluster import Cluster, Harena, eventually
from tests.cluster.hosts import certificate, ingress
from tests.cluster.test_figures import answers
from tests.cluster.test_monitoring import missing

from harena_demo.generator import DEMO_LOGINS

TO_TRAEFIK = ("ingress.controller=traefik", f"ingress.controllerNamespace={traefik.NAMESPACE}")


@pytest.fixture(scope="module")
def by_nginx(installed: Harena) -> object:
    """What a user is answered before anything is changed."""
    assert eventually(installed.serves)
    with installed.login(DEMO_LOGINS[0].email, "10.46.4.1") as client:
        return answers(client)


@pytest.fixture(scope="module")
def by_traefik(installed: Harena, by_nginx: object, with_traefik: None) -> Iterator[Harena]:
    """The same release, reached through Traefik; given back at the end."""
    installed.install(*TO_TRAEFIK)
    moved = replace(installed, edge=traefik.EDGE)
    assert eventually(moved.serves)
    yield moved
    installed.install()
    assert eventually(installed.serves)


def test_every_figure_is_the_same(by_nginx: object, by_traefik: Harena) -> None:
    with by_traefik.login(DEMO_LOGINS[0].email, "10.46.4.2") as client:
        assert answers(client) == by_nginx


def test_only_one_controller_has_the_objects(installed: Harena, by_traefik: Harena) -> None:
    with installed.client("10.46.4.3") as client:
        assert eventually(lambda: client.get("/health").status_code == 404)

    address = installed.cluster.kubectl(
        *("get", "service", "traefik", f"--namespace={traefik.NAMESPACE}"),
        "--output=jsonpath={.spec.clusterIP}",
    )

    def written() -> list[object]:
        ingresses = installed.cluster.items("ingress", f"--namespace={installed.namespace}")
        return [found["status"]["loadBalancer"].get("ingress") for found in ingresses]

    assert written()
    assert eventually(lambda: all(status == [{"ip": address}] for status in written())), written()


def test_services_see_the_clients_own_address(by_traefik: Harena) -> None:
    """Failed logins are counted by account and address: another address has its own count."""
    attempt = {"username": DEMO_LOGINS[3].email, "password": "wrong-password"}
    path = "/api/v1/users/auth/login"
    with by_traefik.client("10.46.4.4") as one, by_traefik.client("10.46.4.5") as other:
        assert eventually(lambda: one.post(path, data=attempt).status_code == 429, 20)
        assert other.post(path, data=attempt).status_code == 401


@pytest.fixture
def certificate_of_a_host(cluster: Cluster, with_traefik: None) -> Iterator[None]:
    """Without one that is nobody's makeshift, Traefik has no figure of certificates."""
    namespace, host = "traefik-certificate", "certificate.harena.test"
    cluster.fresh_namespace(namespace)
    for item in (certificate(host, days=5), ingress(host, controller="traefik-nginx", tls=True)):
        given = json.dumps(item)
        cluster.kubectl("apply", f"--namespace={namespace}", "--filename=-", given=given)
    yield
    cluster.kubectl("delete", "namespace", namespace, "--timeout=120s", seconds=150)


def test_prometheus_asks_it_instead(by_traefik: Harena, certificate_of_a_host: None) -> None:
    with by_traefik.client("10.46.4.6") as client:
        client.get("/health").raise_for_status()

    # Not by `up`: a query finds the last value of a target for 5 minutes after it is gone.
    def asked() -> list[tuple[str, str]]:
        return [
            (target["labels"]["instance"], target["health"])
            for target in by_traefik.prometheus("targets")["activeTargets"]
            if target["labels"]["job"] == "ingress"
        ]

    its_service = f"harena-traefik-metrics.{traefik.NAMESPACE}:9100"
    assert eventually(lambda: asked() == [(its_service, "up")]), asked()
    assert eventually(lambda: not missing(by_traefik, "traefik")), missing(by_traefik, "traefik")
