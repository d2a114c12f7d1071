"""What k3s's own Traefik is given: held to the routing model and to the chart.

Its chart is not at hand either; what Traefik does with the file is asked on a cluster.
"""

from typing import Any

import pytest
import yaml
from tests.chart.conftest import ROOT, Render

from harena_edge import model

FOLDER = ROOT / "k8s" / "traefik"
ENTRY_POINTS = ("web", "websecure")
# Values that Traefik's chart has had by these names from k3s 1.36.2 on; tests/cluster/traefik.py
# reads no others.
KEYS = {
    "providers.kubernetesIngressNGINX.enabled",
    "providers.kubernetesIngressNGINX.ingressClass",
    "providers.kubernetesIngressNGINX.controllerClass",
    "providers.kubernetesIngressNGINX.publishService.enabled",
    "service.spec.externalTrafficPolicy",
    "resources.requests.cpu",
    "resources.requests.memory",
    "resources.limits.memory",
    "additionalArguments",
}

Object = dict[str, Any]


@pytest.fixture(scope="module")
def shipped() -> dict[str, Object]:
    """The objects of the file, by kind."""
    text = (FOLDER / "helmchartconfig.yaml").read_text()
    return {found["kind"]: found for found in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def values(shipped: dict[str, Object]) -> Object:
    found: Object = yaml.safe_load(shipped["HelmChartConfig"]["spec"]["valuesContent"])
    return found


@pytest.fixture(scope="module")
def arguments(values: Object) -> dict[str, str]:
    pairs = [
        argument.removeprefix("--").split("=", 1) for argument in values["additionalArguments"]
    ]
    found = dict(pairs)
    assert len(found) == len(pairs)
    return found


def leaves(values: Object, path: str = "") -> set[str]:
    """The path of every value that is no map."""
    found: set[str] = set()
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        found |= leaves(value, here) if isinstance(value, dict) else {here}
    return found


def test_headers_are_the_model_s(shipped: dict[str, Object]) -> None:
    headers = shipped["Middleware"]["spec"]["headers"]
    routing = model.load()

    assert headers["customResponseHeaders"] == dict(routing.security_headers)
    assert headers["stsIncludeSubdomains"] is True
    said = f"max-age={headers['stsSeconds']}; includeSubDomains"
    assert said == routing.strict_transport_security


def test_headers_stand_on_every_answer_of_both_entry_points(
    shipped: dict[str, Object], arguments: dict[str, str]
) -> None:
    name = shipped["Middleware"]["metadata"]
    for entry_point in ENTRY_POINTS:
        found = arguments[f"entrypoints.{entry_point}.http.middlewares"]
        assert found == f"{name['namespace']}-{name['name']}@kubernetescrd"


def test_no_value_is_one_that_its_chart_has_renamed(values: Object) -> None:
    assert leaves(values) == KEYS


def test_reads_a_class_of_its_own(
    shipped: dict[str, Object], values: Object, render: Render
) -> None:
    provider = values["providers"]["kubernetesIngressNGINX"]
    [name] = {
        ingress["spec"]["ingressClassName"]
        for ingress in render({"ingress": {"controller": "traefik"}}).of("Ingress").values()
    }

    assert provider["enabled"] is True
    assert shipped["IngressClass"]["metadata"]["name"] == provider["ingressClass"] == name
    assert shipped["IngressClass"]["spec"]["controller"] == provider["controllerClass"]
    # What ingress-nginx looks for.
    assert provider["controllerClass"] != "k8s.io/ingress-nginx"


def test_believes_nobody_s_address_as_the_model_does(
    values: Object, arguments: dict[str, str]
) -> None:
    assert model.load().trusted_proxies == ()
    assert values["service"]["spec"]["externalTrafficPolicy"] == "Local"
    for entry_point in ENTRY_POINTS:
        assert arguments[f"entrypoints.{entry_point}.forwardedheaders.insecure"] == "false"
    assert not any("trustedips" in name for name in arguments)


def test_logs_no_query_and_no_token(arguments: dict[str, str]) -> None:
    assert arguments["accesslog.format"] == "json"
    assert arguments["accesslog.fields.queryparameters.defaultmode"] == "drop"
    headers = {name for name in arguments if name.startswith("accesslog.fields.headers")}
    assert headers == {"accesslog.fields.headers.names.X-Request-Id"}


def test_both_entry_points_are_alike(arguments: dict[str, str]) -> None:
    web, websecure = (
        {
            name.removeprefix(f"entrypoints.{entry_point}."): value
            for name, value in arguments.items()
            if name.startswith(f"entrypoints.{entry_point}.")
        }
        for entry_point in ENTRY_POINTS
    )

    assert web == websecure


def test_its_namespace_is_what_the_chart_expects(
    shipped: dict[str, Object], render: Render
) -> None:
    edges = render({"ingress": {"controller": "traefik"}}).edges()

    assert (shipped["HelmChartConfig"]["metadata"]["namespace"], "user", "http") in edges


def test_prometheus_asks_the_service_that_the_file_makes(
    render: Render, shipped: dict[str, Object]
) -> None:
    service = shipped["Service"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    [port] = service["spec"]["ports"]
    objects = render({"ingress": {"controller": "traefik"}})

    assert f"{name}.{namespace}:{port['port']}" in str(objects.of("ConfigMap"))
