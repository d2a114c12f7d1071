import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jose import jwt
from pydantic import SecretStr

from harena_core import auth, keys
from harena_core.auth import KeySet, Sessions, TokenVerifier, authenticate
from harena_core.clock import Clock
from harena_core.db import open_engine
from harena_core.errors import DatabaseUnavailable, NotAuthenticated, Unavailable
from harena_core.metrics import Instruments
from harena_core.redis import Cache
from harena_core.settings import DatabaseSettings
from harena_core.testing import TokenMint


@pytest.fixture
def mint(tmp_path: Path) -> TokenMint:
    return TokenMint(tmp_path)


def verifier_of(mint: TokenMint) -> TokenVerifier:
    return TokenVerifier(
        KeySet(mint.key_set_file),
        Clock(ZoneInfo("Europe/Paris")),
        issuer="harena",
        audience="harena-api",
    )


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    parts = [{"alg": "none", "typ": "JWT", **header}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*encoded, b""]).decode()


class TestThumbprint:
    def test_is_the_one_of_rfc_7638(self) -> None:
        """The P-256 key of RFC 7517, A.1, and its thumbprint as other libraries print it."""
        key = {
            "kty": "EC",
            "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            "use": "enc",
        }

        assert keys.thumbprint(key) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"

    def test_a_key_of_another_kind_is_refused(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with pytest.raises(ValueError, match="P-256"):
            keys.public_jwk(pem.decode())


class TestVerify:
    async def test_a_good_token_names_its_user(self, mint: TokenMint) -> None:
        claims = await verifier_of(mint).verify(mint.token(42))

        assert claims.user_id == 42

    @pytest.mark.parametrize(
        "changes",
        [
            *[
                pytest.param({name: None}, id=f"no {name}")
                for name in ("sub", "exp", "iat", "jti", "iss", "aud", "sid", "permissions")
            ],
            pytest.param({"sub": "root"}, id="a subject that is no number"),
            pytest.param({"sub": "0"}, id="a subject that is no user"),
            pytest.param({"sub": "-1"}, id="a negative subject"),
            pytest.param({"sub": "2147483648"}, id="a subject that no column holds"),
            pytest.param({"aud": "other"}, id="for another audience"),
            pytest.param({"aud": ["harena-api", "other"]}, id="for several audiences"),
            pytest.param({"iss": "other"}, id="from another issuer"),
            pytest.param({"exp": int(time.time()) - 1}, id="expired"),
            pytest.param({"exp": 0}, id="expired long ago"),
            pytest.param({"exp": "tomorrow"}, id="an expiry that is no time"),
            pytest.param({"nbf": int(time.time()) + 600}, id="not valid yet"),
        ],
    )
    async def test_every_claim_counts(self, mint: TokenMint, changes: dict[str, Any]) -> None:
        with pytest.raises(NotAuthenticated):
            await verifier_of(mint).verify(mint.token(42, **changes))

    async def test_no_signature_is_no_token(self, mint: TokenMint) -> None:
        kid = keys.public_jwk(mint.private_pem)["kid"]
        good = mint.token(42)
        claims = mint.claims(42)
        forged = [
            unsigned(claims, kid=kid),
            unsigned(claims),
            good.rpartition(".")[0] + ".",
            good.rpartition(".")[0],
            good[:-4] + "AAAA",
            "",
            "x",
            "a.b.c",
            "x" * 5000,
        ]
        for token in forged:
            with pytest.raises(NotAuthenticated):
                await verifier_of(mint).verify(token)

    async def test_the_algorithm_is_ours_to_say(self, mint: TokenMint) -> None:
        kid = keys.public_jwk(mint.private_pem)["kid"]
        public = mint.key_set_file.read_text()
        token = jwt.encode(mint.claims(42), public, "HS256", headers={"kid": kid})

        with pytest.raises(NotAuthenticated):
            await verifier_of(mint).verify(token)

    async def test_a_key_that_is_not_in_the_file_signs_nothing(
        self, mint: TokenMint, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        stranger = TokenMint(tmp_path / "other")
        ours = keys.public_jwk(mint.private_pem)["kid"]
        borrowed = jwt.encode(
            stranger.claims(42), stranger.private_pem, "ES256", headers={"kid": ours}
        )
        nameless = jwt.encode(mint.claims(42), mint.private_pem, "ES256")

        for token in (stranger.token(42), borrowed, nameless):
            with pytest.raises(NotAuthenticated):
                await verifier_of(mint).verify(token)

    async def test_an_expired_token_is_named_and_not_kept(
        self, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verifier = verifier_of(mint)
        token = mint.token(42)
        await verifier.verify(token)
        monkeypatch.setattr(Clock, "epoch", lambda _: time.time() + 3600)

        with pytest.raises(NotAuthenticated) as refused:
            await verifier.verify(token)

        assert refused.value.error_code == "TOKEN_EXPIRED"

    async def test_what_is_remembered_is_bounded(
        self, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "MAX_VERIFIED", 3)
        verifier = verifier_of(mint)
        for user_id in range(1, 8):
            await verifier.verify(mint.token(user_id))

        assert len(verifier._verified) == 3


class TestRotation:
    async def test_a_new_key_is_read_and_the_old_one_still_works(
        self, mint: TokenMint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "REREAD_SECONDS", 0)
        verifier = verifier_of(mint)
        old = mint.token(1)
        await verifier.verify(old)
        (tmp_path / "next").mkdir()
        successor = TokenMint(tmp_path / "next")
        both = [keys.public_jwk(m.private_pem) for m in (mint, successor)]
        mint.key_set_file.write_text(keys.key_set(both))

        assert (await verifier.verify(successor.token(2))).user_id == 2
        assert (await verifier.verify(old)).user_id == 1

    async def test_a_key_taken_out_stops_working(
        self, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verifier = verifier_of(mint)
        token = mint.token(1)
        await verifier.verify(token)
        mint.key_set_file.write_text(keys.key_set([]))
        monkeypatch.setattr(auth, "REFRESH_SECONDS", -1)

        with pytest.raises(NotAuthenticated):
            await verifier.verify(token)

    async def test_tokens_that_come_at_once_share_one_reading(self, mint: TokenMint) -> None:
        verifier = verifier_of(mint)

        found = await asyncio.gather(*(verifier.verify(mint.token(n)) for n in range(1, 6)))

        assert [claims.user_id for claims in found] == [1, 2, 3, 4, 5]

    async def test_a_file_that_was_never_read_refuses_nobody(
        self, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = mint.key_set_file.read_text()
        verifier = verifier_of(mint)
        for unreadable in (None, "", "[]", '{"keys": [{}]}'):
            if unreadable is None:
                mint.key_set_file.unlink()
            else:
                mint.key_set_file.write_text(unreadable)
            for _ in range(2):  # the second meets what the first left behind
                with pytest.raises(Unavailable):
                    await verifier.verify(mint.token(1))

        mint.key_set_file.write_text(content)
        monkeypatch.setattr(auth, "REREAD_SECONDS", -1)
        assert (await verifier.verify(mint.token(1))).user_id == 1

    async def test_the_last_keys_stand_while_the_file_cannot_be_read(
        self, mint: TokenMint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "next").mkdir()
        successor = TokenMint(tmp_path / "next")
        verifier = verifier_of(mint)
        await verifier.verify(mint.token(1))
        mint.key_set_file.write_text("{")
        for setting in ("REREAD_SECONDS", "REFRESH_SECONDS"):
            monkeypatch.setattr(auth, setting, -1)

        assert (await verifier.verify(mint.token(2))).user_id == 2
        with pytest.raises(Unavailable):
            await verifier.verify(successor.token(3))

    async def test_invented_key_names_do_not_make_us_read(
        self, mint: TokenMint, tmp_path: Path
    ) -> None:
        keyset = KeySet(mint.key_set_file)
        await keyset.get("first")
        mint.key_set_file.unlink()

        for number in range(100):
            assert await keyset.get(f"invented-{number}") is None


class TestCounting:
    @pytest.fixture
    async def sessions(self) -> AsyncIterator[Sessions]:
        """Of a database that is away."""
        url = SecretStr("postgresql://nobody@127.0.0.1:1/none")
        instruments = Instruments("elsewhere")
        async with open_engine(DatabaseSettings(database_url=url), instruments) as engine:
            yield Sessions(engine, Cache(None, instruments))

    @staticmethod
    def counted(instruments: Instruments) -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for metric in instruments.sessions.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }

    async def test_names_what_was_wrong_with_a_token(
        self, mint: TokenMint, sessions: Sessions
    ) -> None:
        instruments = Instruments("core")
        tokens = [None, "", "x", mint.token(1, aud="other"), mint.token(1, exp=1)]
        for token in tokens:
            with pytest.raises(NotAuthenticated):
                await authenticate(token, verifier_of(mint), sessions, instruments)

        assert self.counted(instruments) == {"missing": 2, "refused": 2, "expired": 1}

    async def test_an_outage_refuses_nobody(self, mint: TokenMint, sessions: Sessions) -> None:
        instruments = Instruments("core")
        with pytest.raises(DatabaseUnavailable):
            await authenticate(mint.token(1), verifier_of(mint), sessions, instruments)

        assert self.counted(instruments) == {}
