"""Signing keys: ES256 pairs, their names, and the file that every service reads.

A key is named by its RFC 7638 thumbprint, so a name can never stand for two keys. The private half
is a PEM that only the user service is given; the public halves are a file of their own: a JWKS, or
PEM certificates where what made the key could make no JWKS (Helm). Of a certificate only the key
counts; nobody asks who signed it or until when.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwt

ALGORITHM = "ES256"

Jwk = dict[str, str]


def make_signing_key() -> str:
    """A new private key, as PEM."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def public_jwk(private_pem: str) -> Jwk:
    """The public half of a private key, with its `kid`."""
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the signing key is not an ES256 (P-256) private key")
    return _jwk(key.public_key())


def _jwk(key: ec.EllipticCurvePublicKey) -> Jwk:
    point = key.public_numbers()
    required = {"crv": "P-256", "kty": "EC", "x": _base64(point.x), "y": _base64(point.y)}
    return {**required, "kid": thumbprint(required), "alg": ALGORITHM, "use": "sig"}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638: SHA-256 of the required members, sorted, without spaces."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def key_set(public_keys: Iterable[Jwk]) -> str:
    """The content of a key set file."""
    return json.dumps({"keys": list(public_keys)}, indent=2) + "\n"


def read_key_set(content: str) -> list[dict[str, Any]]:
    """The keys of a key set file, either form. ValueError or KeyError where it is none of them."""
    if not content.lstrip().startswith("-----BEGIN CERTIFICATE-----"):
        return list(json.loads(content)["keys"])
    found = []
    for certificate in x509.load_pem_x509_certificates(content.encode()):
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(
            key.curve, ec.SECP256R1
        ):
            raise ValueError("a certificate of the key set holds no ES256 (P-256) key")
        found.append(_jwk(key))
    return found


def sign(claims: Mapping[str, Any], private_pem: str) -> str:
    """A signed token that names its key."""
    headers = {"kid": public_jwk(private_pem)["kid"]}
    return str(jwt.encode(dict(claims), private_pem, ALGORITHM, headers=headers))


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
