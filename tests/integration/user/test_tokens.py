"""Only a token that this service signed, whole and in time, for a session that is live."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from jose import jwt
from tests.integration.user.conftest import READS_ONLY, Person, bearer

from harena_core import keys
from harena_core.testing import TokenMint

pytestmark = READS_ONLY

Claims = dict[str, Any]
Forge = Callable[[TokenMint, Claims], str]


def changed(**changes: Any) -> Forge:
    """Well signed; a change to None takes the claim out."""

    def forge(mint: TokenMint, claims: Claims) -> str:
        kept = {k: v for k, v in {**claims, **changes}.items() if v is not None}
        return keys.sign(kept, mint.private_pem)

    return forge


def kid_of(mint: TokenMint) -> str:
    return keys.public_jwk(mint.private_pem)["kid"]


def with_another_algorithm(mint: TokenMint, claims: Claims) -> str:
    secret = mint.key_set_file.read_text()  # the public key, as an HMAC secret
    return str(jwt.encode(claims, secret, "HS256", headers={"kid": kid_of(mint)}))


def with_algorithm_none(mint: TokenMint, claims: Claims) -> str:
    header = {"alg": "none", "typ": "JWT", "kid": kid_of(mint)}
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, claims)
    ]
    return b".".join([*parts, b""]).decode()


def unsigned(mint: TokenMint, claims: Claims) -> str:
    return keys.sign(claims, mint.private_pem).rpartition(".")[0] + "."


def with_the_signature_of_another(mint: TokenMint, claims: Claims) -> str:
    head, _, _ = keys.sign(claims, mint.private_pem).rpartition(".")
    return f"{head}.{keys.sign({**claims, 'jti': 'x'}, mint.private_pem).rpartition('.')[2]}"


def with_an_unknown_key(mint: TokenMint, claims: Claims) -> str:
    return keys.sign(claims, keys.make_signing_key())


def with_a_borrowed_key_name(mint: TokenMint, claims: Claims) -> str:
    stranger = keys.make_signing_key()
    return str(jwt.encode(claims, stranger, "ES256", headers={"kid": kid_of(mint)}))


BAD: dict[str, Forge] = {
    "expired": changed(exp=int(time.time()) - 1),
    "of another algorithm": with_another_algorithm,
    "of algorithm none": with_algorithm_none,
    "unsigned": unsigned,
    "with the signature of another": with_the_signature_of_another,
    "with an unknown key": with_an_unknown_key,
    "with a borrowed key name": with_a_borrowed_key_name,
    "without exp": changed(exp=None),
    "without aud": changed(aud=None),
    "for another audience": changed(aud="somebody"),
    "from another issuer": changed(iss="somebody"),
    "without a session": changed(sid=None),
    "of an unknown session": changed(sid="00000000-0000-0000-0000-000000000000"),
    "with a subject that is no number": changed(sub="ada"),
    "with a subject that no column holds": changed(sub="9999999999"),
    "of a user that does not exist": changed(sub="4242"),
    "garbage": lambda _, __: "garbage",
    "too long": lambda _, __: "x" * 10_000,
}


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in BAD.items()])
async def test_a_bad_token_is_refused(shared_ada: Person, mint: TokenMint, forge: Forge) -> None:
    claims = jwt.get_unverified_claims(shared_ada.token)

    answer = await shared_ada.client.get("/api/v1/users/me", headers=bearer(forge(mint, claims)))

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert isinstance(answer.json()["detail"], str)


async def test_the_session_of_another_is_no_session(
    shared_ada: Person, shared_bob: Person, mint: TokenMint
) -> None:
    claims = {**jwt.get_unverified_claims(shared_ada.token), "sub": str(shared_bob.user_id)}

    answer = await shared_ada.client.get(
        "/api/v1/users/me", headers=bearer(keys.sign(claims, mint.private_pem))
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Token x"])
async def test_no_token_is_refused(shared_ada: Person, header: str) -> None:
    answer = await shared_ada.client.get("/api/v1/users/me", headers={"Authorization": header})

    assert answer.status_code == 401
