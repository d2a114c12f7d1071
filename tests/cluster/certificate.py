"""Certificates that nobody else has signed."""

import base64
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.cluster import Object


def self_signed(name: str, host: str, *, days: int = 30) -> tuple[Object, str]:
    """A Secret of this name with a key and a certificate, and the certificate as PEM."""
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
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": "kubernetes.io/tls",
            "data": data,
        }
        return secret, certificate.read_text()
