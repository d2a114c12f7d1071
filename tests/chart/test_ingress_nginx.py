"""The values for the controller's own chart, which is not at hand: held to the routing model."""

from typing import Any

import pytest
import yaml
from tests.chart.conftest import ROOT, Render

from harena_edge import model

FOLDER = ROOT / "k8s" / "ingress-nginx"


@pytest.fixture(scope="module")
def controller() -> dict[str, Any]:
    values = yaml.safe_load((FOLDER / "values.yaml").read_text())
    assert set(values) == {"controller"}
    found: dict[str, Any] = values["controller"]
    return found


def test_headers_are_the_model_s(controller: dict[str, Any]) -> None:
    assert controller["addHeaders"] == dict(model.load().security_headers)


def test_transport_security_is_the_model_s(controller: dict[str, Any]) -> None:
    config = controller["config"]
    assert config["hsts"] == "true"
    assert config["hsts-preload"] == "false"
    assert config["hsts-include-subdomains"] == "true"

    said = f"max-age={config['hsts-max-age']}; includeSubDomains"
    assert said == model.load().strict_transport_security


def test_believes_nobody_s_address_as_the_model_does(controller: dict[str, Any]) -> None:
    assert model.load().trusted_proxies == ()
    assert controller["config"]["use-forwarded-headers"] == "false"
    assert controller["service"]["externalTrafficPolicy"] == "Local"


def test_a_refusal_is_a_429(controller: dict[str, Any]) -> None:
    config = controller["config"]
    assert config["limit-req-status-code"] == config["limit-conn-status-code"] == "429"


def test_is_pinned_and_has_no_webhook(controller: dict[str, Any]) -> None:
    assert controller["image"]["tag"] == "v1.15.1"
    assert controller["image"]["digest"].startswith("sha256:")
    assert controller["admissionWebhooks"]["enabled"] is False
    assert controller["allowSnippetAnnotations"] is False


def test_is_replaced_without_a_gap(controller: dict[str, Any]) -> None:
    assert controller["updateStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert controller["readinessProbe"]["initialDelaySeconds"] >= 5
    assert int(controller["extraArgs"]["shutdown-grace-period"]) >= 5


def test_goes_after_everything_that_it_leads_to(controller: dict[str, Any], render: Render) -> None:
    # Kubernetes' own: 2,000,000,000, and no class of ours may come near.
    assert controller["priorityClassName"] == "system-cluster-critical"
    assert all(found["value"] < 2e9 for found in render().of("PriorityClass").values())


def test_shows_its_metrics_where_the_chart_asks_for_them(
    controller: dict[str, Any], render: Render
) -> None:
    configuration = render()["ConfigMap", "rel-prometheus"]["data"]["prometheus.yml"]
    jobs = {job["job_name"]: job for job in yaml.safe_load(configuration)["scrape_configs"]}
    [asked] = jobs["ingress"]["static_configs"]
    port = controller["metrics"]["service"]["servicePort"]

    assert controller["metrics"]["enabled"] is True
    assert controller["metrics"]["serviceMonitor"]["enabled"] is False
    assert controller["extraArgs"]["metrics-per-host"] == "false"
    # The chart's own name for it, in a release of the name that the README gives.
    assert asked["targets"] == [f"ingress-nginx-controller-metrics.ingress-nginx:{port}"]


def test_logs_no_query(controller: dict[str, Any]) -> None:
    form = controller["config"]["log-format-upstream"]
    for variable in ("$request ", '$request"', "$request_uri", "$args", "$query_string", "referer"):
        assert variable not in form


def test_every_setting_is_text(controller: dict[str, Any]) -> None:
    """A ConfigMap holds nothing else, and the controller ignores what it cannot read."""
    for value in (*controller["config"].values(), *controller["extraArgs"].values()):
        assert isinstance(value, str)


def test_is_where_the_chart_expects_it(render: Render) -> None:
    objects = render()
    text = (FOLDER / "README.md").read_text()
    [namespace] = {edge[0] for edge in objects.edges() if edge[1:] == ("user", "http")}

    assert f"--namespace {namespace} " in text
    assert objects["Ingress", "rel-user"]["spec"]["ingressClassName"] == "nginx"  # its chart's own
    assert text.splitlines()[2].startswith("**The project is retired.**")
