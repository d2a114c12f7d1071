"""What happens to the edge."""

import asyncio
from collections.abc import AsyncIterator

from tests.cluster.cluster import INGRESS_NAMESPACE
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.hosts import certificate, ingress
from tests.cluster.traffic import traffic

DAYS_LEFT = 5


@cause(alert("EdgeRejecting", route="harena-docs"), within=540, touches="the docs")
async def flood(hands: Hands) -> AsyncIterator[None]:
    """One address asks for the docs 45 times a second, where 30 are granted."""
    async with traffic("/docs", ["10.46.33.1"], rate=45):
        yield


@cause(
    alert("TLSCertificateExpiring", host="drill.harena.test"),
    within=780,
    touches="the edge's configuration",
)
async def old_certificate(hands: Hands) -> AsyncIterator[None]:
    """A host is served with a certificate that has five days left."""
    host = "drill.harena.test"
    secret = await asyncio.to_thread(certificate, host, days=DAYS_LEFT)
    async with hands.namespace("drill-certificate", secret, ingress(host, tls=True)):
        yield


@cause(alert("IngressConfigReloadFailed"), within=300, touches="the edge's configuration")
async def refused_ingress(hands: Hands) -> AsyncIterator[None]:
    """An Ingress asks for a burst of none, which nginx does not take."""
    refused = ingress("refused.harena.test", limit_rps="5", limit_burst_multiplier="0")
    try:
        async with hands.namespace("drill-refused", refused):
            yield
    finally:
        # The figure stays 0 until the next reload (kubernetes/ingress-nginx#13818).
        async with hands.namespace("drill-accepted", ingress("accepted.harena.test")):
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
