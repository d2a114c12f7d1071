"""The two forms of a key set file."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harena_core import keys

BEGIN = "-----BEGIN CERTIFICATE-----"


def certificate(key: ec.EllipticCurvePrivateKey) -> str:
    """Self-signed, and expired: who vouches for a key and until when is not asked."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "harena")])
    day = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=day,
        not_valid_after=day + timedelta(days=1),
    ).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def as_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """In the older of the two PEM forms, which is the one that Helm makes."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


class TestKeySetFile:
    def test_certificates_and_jwks_name_the_same_keys(self) -> None:
        pair = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        jwks = keys.key_set([keys.public_jwk(as_pem(key)) for key in pair])

        from_certificates = keys.read_key_set("".join(certificate(key) for key in pair))

        assert from_certificates == keys.read_key_set(jwks)
        assert len(from_certificates) == 2

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(certificate(ec.generate_private_key(ec.SECP384R1())), id="another curve"),
            pytest.param(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="torn"
            ),
            pytest.param("", id="empty"),
            pytest.param("{}", id="no key set"),
        ],
    )
    def test_anything_else_is_refused(self, content: str) -> None:
        with pytest.raises((ValueError, KeyError)):
            keys.read_key_set(content)
