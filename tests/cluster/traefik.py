"""Traefik on the test cluster, as k3s runs it with k8s/traefik/helmchartconfig.yaml.

Its chart is not at hand, so that what the chart makes of the values is said once more here and in
traefik.yaml; `tests/chart/test_traefik.py` holds the file to the values that are read here. What
else is in the file is taken as it is, but for the namespace: kube-system is not the tests'.
"""

import json
from typing import Any

import yaml
from tests.cluster.cluster import HERE, ROOT, Cluster

FILE = ROOT / "k8s/traefik/helmchartconfig.yaml"
NAMESPACE = "traefik"
EDGE = "http://10.44.0.1:30081"
TLS_EDGE = "https://10.44.0.1:30444"

Object = dict[str, Any]

PORTS = {"web": 8000, "websecure": 8443, "traefik": 8080, "metrics": 9100}
OF_THE_CHART = (
    *(f"--entrypoints.{name}.address=:{port}/tcp" for name, port in PORTS.items()),
    "--entrypoints.websecure.http.tls=true",
    "--ping=true",
    "--metrics.prometheus=true",
    "--metrics.prometheus.entrypoint=metrics",
    "--providers.kubernetescrd=true",
    "--providers.kubernetesingress=true",
)
# All that its provider of custom resources watches.
KINDS = (
    *("IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Middleware", "MiddlewareTCP"),
    *("ServersTransport", "ServersTransportTCP", "TLSOption", "TLSStore", "TraefikService"),
)


def arguments(values: Object) -> list[str]:
    """What the chart's values are as arguments of the program."""
    provider = values["providers"]["kubernetesIngressNGINX"]
    said = {
        "ingressclass": provider["ingressClass"],
        "controllerclass": provider["controllerClass"],
        "publishservice": f"{NAMESPACE}/traefik",
    }
    return [
        *OF_THE_CHART,
        *(f"--providers.kubernetesingressnginx.{name}={value}" for name, value in said.items()),
        *values["additionalArguments"],
    ]


def definition(kind: str) -> Object:
    """A custom resource that may hold anything: what is in it, Traefik checks itself."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.traefik.io"},
        "spec": {
            "group": "traefik.io",
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1alpha1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def objects() -> list[Object]:
    """What runs Traefik, with the values of the file in it."""
    text = FILE.read_text().replace("kube-system", NAMESPACE)
    config, *shipped = yaml.safe_load_all(text)
    values = yaml.safe_load(config["spec"]["valuesContent"])
    made = list(yaml.safe_load_all((HERE / "traefik.yaml").read_text()))
    for item in made:
        if item["kind"] == "Service":
            item["spec"] |= values["service"]["spec"]
        if item["kind"] == "Deployment":
            [container] = item["spec"]["template"]["spec"]["containers"]
            container |= {"args": arguments(values), "resources": values["resources"]}
    return [*shipped, *made]


def install(cluster: Cluster) -> None:
    """Installs it from nothing, and waits until it is ready."""
    cluster.fresh_namespace(NAMESPACE)
    apply(cluster, [definition(kind) for kind in KINDS])
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    apply(cluster, objects())
    rollout = ("rollout", "status", "deployment/traefik", "--timeout=120s")
    cluster.kubectl(f"--namespace={NAMESPACE}", *rollout, seconds=150)


def apply(cluster: Cluster, items: list[Object]) -> None:
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", f"--namespace={NAMESPACE}", "--filename=-", given=given)
