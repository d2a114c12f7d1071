"""What happens to the edge."""

import asyncio
from collections.abc import AsyncIterator

from tests.cluster.certificate import self_signed
from tests.cluster.cluster import INGRESS_NAMESPACE, Object
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.traffic import traffic


@cause(alert("EdgeRejecting", route="harena-docs"), within=540, touches="the docs")
async def flood(hands: Hands) -> AsyncIterator[None]:
    """One address asks for the docs 45 times a second, where 30 are granted."""
    async with traffic("/docs", ["10.46.33.1"], rate=45):
        yield


def _ingress(host: str, **annotations: str) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "drill",
            "annotations": {
                f"nginx.ingress.kubernetes.io/{name.replace('_', '-')}": value
                for name, value in annotations.items()
            },
        },
        "spec": {
            "ingressClassName": "nginx",
            "rules": [
                {
                    "host": host,
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "none", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
        },
    }


@cause(
    alert("TLSCertificateExpiring", host="drill.harena.test"),
    within=780,
    touches="the edge's configuration",
)
async def old_certificate(hands: Hands) -> AsyncIterator[None]:
    """A host is served with a certificate that has five days left."""
    host = "drill.harena.test"
    ingress = _ingress(host)
    ingress["spec"]["tls"] = [{"hosts": [host], "secretName": "drill"}]
    secret, _ = await asyncio.to_thread(self_signed, "drill", host, days=5)
    async with hands.namespace("drill-certificate", secret, ingress):
        yield


@cause(alert("IngressConfigReloadFailed"), within=300, touches="the edge's configuration")
async def refused_ingress(hands: Hands) -> AsyncIterator[None]:
    """An Ingress asks for a burst of none, which nginx does not take."""
    ingress = _ingress("refused.harena.test", limit_rps="5", limit_burst_multiplier="0")
    try:
        async with hands.namespace("drill-refused", ingress):
            yield
    finally:
        # The figure stays 0 until the next reload (kubernetes/ingress-nginx#13818).
        async with hands.namespace("drill-accepted", _ingress("accepted.harena.test")):
            pass


@cause(
    alert("IngressDown"),
    alert("EdgeProbeFailing"),
    within=300,
    touches="the edge's configuration",
)
async def edge_gone(hands: Hands) -> AsyncIterator[None]:
    """The ingress controller is scaled to nothing."""
    async with hands.scaled_to_nothing(
        "deployment/ingress-nginx-controller", namespace=INGRESS_NAMESPACE
    ):
        yield
