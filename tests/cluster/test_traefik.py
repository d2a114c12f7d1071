"""One value gives the platform to the other controller, and back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.cluster import traefik
from tests.cluster.cluster import Harena, eventually
from tests.cluster.test_figures import answers

from harena_demo.generator import DEMO_LOGINS

TO_TRAEFIK = ("ingress.controller=traefik", f"ingress.controllerNamespace={traefik.NAMESPACE}")


@pytest.fixture
def by_traefik(harena: Harena, with_traefik: None) -> Iterator[Harena]:
    """The same release, reached through Traefik."""
    harena.install(*TO_TRAEFIK)
    moved = replace(harena, edge=traefik.EDGE)
    assert eventually(moved.serves)
    yield moved
    harena.install()


@pytest.fixture
def by_nginx(harena: Harena) -> object:
    """What a user is answered before anything is changed."""
    with harena.login(DEMO_LOGINS[0].email, "10.46.4.1") as client:
        return answers(client)


def test_every_figure_is_the_same(by_nginx: object, by_traefik: Harena) -> None:
    with by_traefik.login(DEMO_LOGINS[0].email, "10.46.4.2") as client:
        assert answers(client) == by_nginx


def test_only_one_controller_has_the_objects(harena: Harena, by_traefik: Harena) -> None:
    with harena.client("10.46.4.3") as client:
        assert client.get("/health").status_code == 404

    address = harena.cluster.kubectl(
        *("get", "service", "traefik", f"--namespace={traefik.NAMESPACE}"),
        "--output=jsonpath={.spec.clusterIP}",
    )
    ingresses = harena.cluster.items("ingress", f"--namespace={harena.namespace}")
    assert ingresses
    for ingress in ingresses:
        assert ingress["status"]["loadBalancer"]["ingress"] == [{"ip": address}]


def test_services_see_the_clients_own_address(by_traefik: Harena) -> None:
    """Failed logins are counted by account and address: another address has its own count."""
    attempt = {"username": DEMO_LOGINS[3].email, "password": "wrong-password"}
    path = "/api/v1/users/auth/login"
    with by_traefik.client("10.46.4.4") as one, by_traefik.client("10.46.4.5") as other:
        assert eventually(lambda: one.post(path, data=attempt).status_code == 429, 20)
        assert other.post(path, data=attempt).status_code == 401
