"""Hosts of the tests' own at the edge."""

import base64
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.cluster import Object

NAME = "of-a-test"


def ingress(
    host: str, *, controller: str = "nginx", tls: bool = False, **annotations: str
) -> Object:
    """An Ingress of a host with nothing behind it; with `tls`, its `certificate` is shown."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": NAME,
            "annotations": {
                f"nginx.ingress.kubernetes.io/{name.replace('_', '-')}": value
                for name, value in annotations.items()
            },
        },
        "spec": {
            "ingressClassName": controller,
            **({"tls": [{"hosts": [host], "secretName": NAME}]} if tls else {}),
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


def certificate(host: str, *, days: int) -> Object:
    """A Secret with a certificate of nobody's that will be out of date in so many days."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days)),
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
        "metadata": {"name": NAME},
        "type": "kubernetes.io/tls",
        "data": data,
    }
