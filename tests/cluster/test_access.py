"""Who reaches whom, and who is seen."""

import pytest
from tests.cluster.cluster import Harena, eventually

from harena_demo.generator import DEMO_LOGINS

# Says how a connection went, and never waits longer than a policy needs to drop it.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
except OSError as error:
    print(type(error).__name__)
else:
    print("connected")
"""
SERVICES = ("user", "search", "metric", "budget", "conversation", "portal")
PORTS = {"user": "3000", "metric": "3002", "portal": "3010", "postgres": "5432", "redis": "6379"}


def connect(harena: Harena, caller: str, host: str, port: str) -> str:
    return harena.execute(caller, ["python", "-c", CONNECT, host, port]).stdout.strip()


@pytest.mark.parametrize("store", ["postgres", "redis"])
@pytest.mark.parametrize("caller", SERVICES)
def test_only_who_holds_a_credential_reaches_a_store(
    harena: Harena, caller: str, store: str
) -> None:
    expected = "TimeoutError" if caller == "portal" else "connected"
    assert connect(harena, caller, f"{harena.name}-{store}", PORTS[store]) == expected


def test_the_portal_asks_services_and_no_service_another(harena: Harena) -> None:
    assert connect(harena, "portal", f"{harena.name}-metric", "3002") == "connected"
    assert connect(harena, "user", f"{harena.name}-metric", "3002") == "TimeoutError"


@pytest.mark.parametrize("caller", SERVICES)
def test_no_service_reaches_the_metadata_address(harena: Harena, caller: str) -> None:
    """Dropped by the policy: this cluster's own network would refuse it.

    The node itself, and with it this cluster's API server, no policy can take away.
    """
    assert connect(harena, caller, "169.254.169.254", "80") == "TimeoutError"


@pytest.mark.parametrize("component", ["postgres", "redis", "metric"])
def test_nobody_outside_reaches_a_pod(harena: Harena, component: str) -> None:
    """But the cluster's DNS, which no policy guards: there is a way."""

    def reach(address: str, port: str) -> int:
        command = ("timeout", "4", "bash", "-c", f": </dev/tcp/{address}/{port}")
        return harena.cluster.attempt(*command).returncode

    [dns, *_] = harena.cluster.items(
        "pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns"
    )
    assert reach(dns["status"]["podIP"], "53") == 0
    [pod] = harena.pods(component)
    assert reach(pod["status"]["podIP"], PORTS[component]) == 124  # dropped, not refused


def test_services_see_the_clients_own_address(harena: Harena) -> None:
    """Failed logins are counted by account and address: another address has its own count."""
    attempt = {"username": DEMO_LOGINS[3].email, "password": "wrong-password"}
    path = "/api/v1/users/auth/login"
    with harena.client("10.46.2.1") as one, harena.client("10.46.3.1") as other:
        assert eventually(lambda: one.post(path, data=attempt).status_code == 429, 20)
        assert other.post(path, data=attempt).status_code == 401


def test_pods_hold_only_the_keys_they_need(harena: Harena) -> None:
    folder = "/run/secrets/harena"
    held = {
        service: set(harena.execute(service, ["ls", folder]).stdout.split()) for service in SERVICES
    }
    every = {"database-url", "redis-url", "key-set"}
    assert held == {
        **dict.fromkeys(SERVICES, every),
        "user": every | {"signing-key"},
        "portal": set(),
    }
