import base64
import hashlib
import hmac

import pytest

from harena_db.roles import scram_verifier


class TestScramVerifier:
    def test_proves_what_the_rfcs_example_proves(self) -> None:
        """RFC 7677 §3: user "user", password "pencil", 4096 rounds; the server's signature."""
        salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
        verifier = scram_verifier("pencil", salt)
        head, keys = verifier.rsplit("$", 1)
        assert head == "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="

        nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        exchange = (
            "n=user,r=rOprNGfwEbeRWgbNEkqO,"
            f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        ).encode()
        stored, server = (base64.b64decode(key) for key in keys.split(":"))
        signature = hmac.digest(server, exchange, "sha256")
        assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

        proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        client = bytes(
            a ^ b for a, b in zip(proof, hmac.digest(stored, exchange, "sha256"), strict=True)
        )
        assert hashlib.sha256(client).digest() == stored

    def test_refuses_what_would_need_saslprep(self) -> None:
        with pytest.raises(ValueError, match="ASCII") as refused:
            scram_verifier("clé", b"salt")
        assert "clé" not in str(refused.value)
