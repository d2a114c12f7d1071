"""The service graph, as the NetworkPolicies let it be: every edge is named, and no other passes."""

from typing import Any

import pytest
from tests.chart.conftest import Render, Values

DATABASE_USERS = {"user", "search", "metric", "budget", "conversation"}
MONITORS = {
    "alertmanager": 9093,
    "grafana": 3000,
    "postgres-exporter": 9187,
    "redis-exporter": 9121,
}
PORTS = {"user": 3000, "search": 3001, "metric": 3002, "budget": 3006, "conversation": 3008}

NODE_PORTS = (6443, 10250)  # the API server and the kubelet
PRIVATE = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}


def test_the_whole_graph(render: Render) -> None:
    assert render().edges() == {
        *(("ingress-nginx", name, "http") for name in (*PORTS, "portal")),
        *(("portal", name, port) for name, port in PORTS.items()),
        *((name, "postgres", 5432) for name in (*DATABASE_USERS, "migrate", "postgres-exporter")),
        *((name, "redis", 6379) for name in (*DATABASE_USERS, "redis-exporter")),
        *(("prometheus", name, port) for name, port in (PORTS | MONITORS).items()),
        ("prometheus", "portal", 3011),
        *(("prometheus", "ingress-nginx", port) for port in (80, 443, 10254)),
        *(("prometheus", "0.0.0.0/0", port) for port in NODE_PORTS),
        ("grafana", "prometheus", 9090),
        ("*", "kube-system", 53),
    }


def test_nobody_reaches_the_internet_unless_it_is_said(render: Render) -> None:
    said = render({"services": {"user": {"internet": True}}})

    assert {edge for edge in said.edges() if edge[1] == "0.0.0.0/0"} == {
        ("user", "0.0.0.0/0", 443),
        *(("prometheus", "0.0.0.0/0", port) for port in NODE_PORTS),
    }
    [rule] = [rule for rule in said.policy("user")["spec"]["egress"] if "ipBlock" in rule["to"][0]]
    # Nor pods, nor other machines of the same network, nor a cloud's metadata service by that way.
    assert set(rule["to"][0]["ipBlock"]["except"]) == PRIVATE


@pytest.mark.parametrize(
    ("egress", "ends"),
    [
        ({}, {("0.0.0.0/0", 443)}),
        (
            {"cidr": "203.0.113.0/24", "ports": [443, 9243]},
            {("203.0.113.0/24", 443), ("203.0.113.0/24", 9243)},
        ),
    ],
)
def test_who_may_read_the_search_engine_s_address_reaches_it(
    render: Render, egress: Values, ends: set[tuple[str, int]]
) -> None:
    objects = render({"searchEngine": {"existingSecret": "engine", "egress": egress}})

    assert objects.edges() - render().edges() == {("search", *end) for end in ends}
    if not egress:
        [block] = [
            peer["ipBlock"]
            for rule in objects.policy("search")["spec"]["egress"]
            for peer in rule["to"]
            if "ipBlock" in peer
        ]
        assert set(block["except"]) == PRIVATE


def tls(**values: Any) -> Values:
    return {"ingress": {"hosts": ["a.example"], "tls": {"enabled": True, **values}}}


@pytest.mark.parametrize("controller", ["nginx", "traefik"])
def test_a_challenge_by_http_is_answered(render: Render, controller: str) -> None:
    """By a pod of cert-manager's, beside the Certificate: cert-manager gives it label and port."""
    values = tls(issuer={"name": "letsencrypt"})
    values["ingress"]["controller"] = controller
    given = tls(secretName="certificate")
    given["ingress"]["controller"] = controller
    objects = render(values)

    solver = objects["NetworkPolicy", "rel-http01-solver"]["spec"]
    assert solver["podSelector"]["matchLabels"] == {"acme.cert-manager.io/http01-solver": "true"}
    namespace = {"nginx": "ingress-nginx", "traefik": "kube-system"}[controller]
    assert objects.edges() - render(given).edges() == {
        (namespace, "acme.cert-manager.io/http01-solver", 8089)
    }


def test_the_demo_reaches_the_database_while_it_is_asked_for(render: Render) -> None:
    assert ("demo", "postgres", 5432) in render({"demo": {"enabled": True}}).edges()


@pytest.mark.parametrize(
    ("ingress", "namespace", "app"),
    [
        ({}, "ingress-nginx", "ingress-nginx"),
        ({"controller": "traefik"}, "kube-system", "traefik"),
        ({"controller": "traefik", "controllerNamespace": "edge"}, "edge", "traefik"),
    ],
)
def test_the_controllers_pods_come_in_and_no_others_of_its_namespace(
    render: Render, ingress: Values, namespace: str, app: str
) -> None:
    objects = render({"ingress": ingress})

    port = 9100 if app == "traefik" else 10254
    assert {(namespace, "user", "http"), ("prometheus", namespace, port)} <= objects.edges()
    [rule] = [
        rule
        for rule in objects.policy("user")["spec"]["ingress"]
        if "namespaceSelector" in rule["from"][0]
    ]
    [peer] = rule["from"]
    assert peer["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": app}}


def test_without_an_ingress_nobody_comes_from_outside(render: Render) -> None:
    objects = render({"ingress": {"enabled": False}})

    assert objects.of("Ingress") == {}
    assert not any("ingress-nginx" in edge for edge in objects.edges())


def test_can_be_left_to_somebody_else(render: Render) -> None:
    assert render({"networkPolicy": {"enabled": False}}).of("NetworkPolicy") == {}
    everything = {"networkPolicy": {"enabled": False}}
    assert render(everything, "everything").of("NetworkPolicy") == {}
