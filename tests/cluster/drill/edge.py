"""What happens to the edge."""

import asyncio
import base64
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.cluster.cluster import INGRESS_NAMESPACE, Object
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.traffic import traffic

DAYS_LEFT = 5


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


def _certificate(host: str) -> Object:
    """A Secret with a certificate of nobody's that will be out of date in some days."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:prime256v1", "-nodes", "-days", str(DAYS_LEFT)),
                *("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
            timeout=30,
        )
        data = {
            name: base64.b64encode(file.read_bytes()).decode()
            for name, file in (("tls.key", key), ("tls.crt", certificate))
        }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "drill"},
        "type": "kubernetes.io/tls",
        "data": data,
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
    certificate = await asyncio.to_thread(_certificate, host)
    async with hands.namespace("drill-certificate", certificate, ingress):
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
