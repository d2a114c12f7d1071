"""Who is asking: the token's subject, and nothing else.

A token is good when its signature, its algorithm and every claim are right, and when its session is
still live. The truth about sessions is in Postgres; Redis keeps the answer for a few seconds; with
Redis down Postgres is asked each time, with Postgres down the answer is 503. Never open.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordBearer
from fastapi.security.utils import get_authorization_scheme_param
from jose import JWTError, jwt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from harena_core.clock import Clock
from harena_core.db import Reader, reading, transaction
from harena_core.errors import NotAuthenticated, NotPermitted, Unavailable
from harena_core.keys import ALGORITHM, read_key_set
from harena_core.metrics import Instruments
from harena_core.redis import Cache

log = structlog.get_logger()

LOGIN_PATH = "/api/v1/users/auth/login"
MISSING = "MISSING_TOKEN"
INVALID = "INVALID_TOKEN"
EXPIRED = "TOKEN_EXPIRED"
REVOKED = "TOKEN_REVOKED"

MAX_TOKEN_LENGTH = 4096
# A file is read again when a token names an unknown key, at most this often: whoever sends invented
# key names must not make us read a file at each request.
REREAD_SECONDS = 5
# And when it was last read this long ago, so that a key taken out of the file stops working.
REFRESH_SECONDS = 60
SESSION_CACHE_SECONDS = 5
# Longer than the cache of a live session, so that a slow reader of the old truth cannot undo it.
REVOKED_CACHE_SECONDS = 60
MAX_VERIFIED = 2048

# What the check of a token is counted as.
ACCEPTED = "accepted"
_OUTCOMES = {MISSING: "missing", INVALID: "refused", EXPIRED: "expired", REVOKED: "revoked"}

_LIVE = b"1"
_REVOKED = b"0"

_SESSION_IS_LIVE = text("SELECT session_is_live(:user_id, :session_id)")


def _column_holds(sub: str) -> str:
    if int(sub) >= 2**31:
        raise ValueError("no user has such a number")
    return sub


class Claims(BaseModel):
    """What a token must carry, all of it: python-jose lets `exp` and `aud` be missing."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    sub: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}$"), AfterValidator(_column_holds)]
    exp: int
    iat: int
    jti: str = Field(min_length=1)
    iss: str
    aud: str
    sid: str = Field(pattern=r"^[0-9a-f-]{36}$")
    permissions: list[str]

    @property
    def user_id(self) -> int:
        return int(self.sub)

    @property
    def session_id(self) -> UUID:
        return UUID(self.sid)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, once the token was found good."""

    user_id: int
    session_id: UUID
    permissions: tuple[str, ...] = ()

    def require(self, user_id: int) -> None:
        """403 unless a user id in a path or body is the caller's own."""
        if user_id != self.user_id:
            raise NotPermitted("Cette ressource appartient à un autre utilisateur.")


class KeySet:
    """The public keys of a file, by name; reread when a name is unknown, or after a minute.

    While the file cannot be read, the keys that were read last stand.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, dict[str, Any]] = {}
        self._readable = False
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def read(self) -> None:
        """Raises OSError, ValueError, LookupError or TypeError where the file holds no key set."""
        self._tried_at = time.monotonic()
        self._readable = False
        content = await asyncio.to_thread(self._path.read_text)
        self._keys = {key["kid"]: key for key in read_key_set(content)}
        self._readable = True

    async def get(self, kid: str) -> dict[str, Any] | None:
        """The key of that name. Raises Unavailable where only the unreadable file could tell."""
        if self._is_stale(kid) or kid not in self._keys:
            # Whoever asks while another reads waits for what that one finds: a good token must not
            # be refused because it came a moment after the first.
            async with self._reading:
                if self._is_stale(kid):
                    try:
                        await self.read()
                    except (OSError, ValueError, LookupError, TypeError) as error:
                        log.error("key_set_unreadable", error=type(error).__name__)
        if kid not in self._keys and not self._readable:
            raise Unavailable(code="KEY_SET_UNAVAILABLE")
        return self._keys.get(kid)

    def _is_stale(self, kid: str) -> bool:
        age = time.monotonic() - self._tried_at
        return age > (REFRESH_SECONDS if kid in self._keys else REREAD_SECONDS)


class TokenVerifier:
    """Checks signatures and claims. Holds no database."""

    def __init__(self, keys: KeySet, clock: Clock, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        # Signatures already checked, by digest of the token: checking one costs more than a query.
        # The key and the expiry are looked at each time.
        self._verified: dict[bytes, tuple[str, Claims]] = {}

    async def verify(self, token: str) -> Claims:
        """The token's claims. Raises NotAuthenticated for any token that is not perfectly good.

        Raises Unavailable where its key cannot be looked up.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        kid = known[0] if known else self._kid(token)
        key = await self._keys.get(kid)
        if key is None:
            raise _bad_token()
        claims = known[1] if known else self._decode(token, key)
        if claims.exp <= self._clock.epoch():
            self._verified.pop(digest, None)
            raise NotAuthenticated("Votre session a expiré.", code=EXPIRED)
        if known is None:
            if len(self._verified) >= MAX_VERIFIED:
                self._verified.pop(next(iter(self._verified)))
            self._verified[digest] = (kid, claims)
        return claims

    @staticmethod
    def _kid(token: str) -> str:
        if len(token) > MAX_TOKEN_LENGTH:
            raise _bad_token()
        try:
            header = jwt.get_unverified_header(token)
        except JWTError as error:
            raise _bad_token() from error
        kid = header.get("kid")
        # python-jose ignores `kid` in a key set, so the key is picked here; and the algorithm is
        # ours to say, never the token's.
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise _bad_token()
        return kid

    def _decode(self, token: str, key: dict[str, Any]) -> Claims:
        try:
            decoded = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options={"verify_exp": False},  # ours, so that an expired token has its own code
            )
            return Claims.model_validate(decoded)
        except (JWTError, ValidationError) as error:
            raise _bad_token() from error


class Sessions:
    """Whether a session is live: Redis for a few seconds, Postgres in truth."""

    def __init__(self, engine: AsyncEngine, cache: Cache) -> None:
        self._engine = engine
        self._cache = cache

    async def is_live(self, user_id: int, session_id: UUID) -> bool:
        """Raises as `transaction` does where neither knows."""
        key = self._key(user_id, session_id)
        cached = await self._cache.get(key)
        if cached is not None:
            return cached == _LIVE
        async with transaction(self._engine, None) as connection:
            live = bool(
                await connection.scalar(
                    _SESSION_IS_LIVE, {"user_id": user_id, "session_id": session_id}
                )
            )
        # Only if absent: a revocation that was written meanwhile stands.
        await self._cache.set(
            key,
            _LIVE if live else _REVOKED,
            seconds=SESSION_CACHE_SECONDS,
            only_if_absent=True,
        )
        return live

    async def forget(self, user_id: int, session_id: UUID) -> None:
        """To be called after a revocation was committed: no service believes its cache any more."""
        await self._cache.set(
            self._key(user_id, session_id), _REVOKED, seconds=REVOKED_CACHE_SECONDS
        )

    @staticmethod
    def _key(user_id: int, session_id: UUID) -> str:
        return f"session:{user_id}:{session_id}"


def _bad_token() -> NotAuthenticated:
    return NotAuthenticated("Jeton invalide. Reconnectez-vous.", code=INVALID)


# Also what draws the Authorize button of the docs, which logs in at this address.
_bearer = OAuth2PasswordBearer(tokenUrl=LOGIN_PATH, auto_error=False)


def bearer_of(connection: HTTPConnection) -> str | None:
    """The token in the header of a request or of a handshake."""
    scheme, token = get_authorization_scheme_param(connection.headers.get("authorization"))
    return token if token and scheme.lower() == "bearer" else None


def _count(instruments: Instruments, outcome: str) -> None:
    instruments.sessions.labels(instruments.service, outcome).inc()


@contextmanager
def _refusals_counted(instruments: Instruments) -> Iterator[None]:
    """Counts a token that is found bad; an outage says nothing of a token."""
    try:
        yield
    except NotAuthenticated as error:
        _count(instruments, _OUTCOMES[error.error_code])
        raise


async def _claims(token: str | None, verifier: TokenVerifier) -> Claims:
    if not token:
        raise NotAuthenticated("Authentification requise.", code=MISSING)
    return await verifier.verify(token)


def _revoked() -> NotAuthenticated:
    return NotAuthenticated("Votre session est terminée.", code=REVOKED)


async def check(token: str | None, verifier: TokenVerifier, sessions: Sessions) -> Principal:
    """The caller behind a token. Not counted: a socket asks again every few seconds."""
    claims = await _claims(token, verifier)
    if not await sessions.is_live(claims.user_id, claims.session_id):
        raise _revoked()
    return Principal(claims.user_id, claims.session_id, tuple(claims.permissions))


async def authenticate(
    token: str | None, verifier: TokenVerifier, sessions: Sessions, instruments: Instruments
) -> Principal:
    """The same, for a request, or for a socket when it opens."""
    with _refusals_counted(instruments):
        principal = await check(token, verifier, sessions)
    _count(instruments, ACCEPTED)
    return principal


@asynccontextmanager
async def _live_reading(
    engine: AsyncEngine, claims: Claims, instruments: Instruments
) -> AsyncIterator[Reader]:
    async with reading(engine, claims.user_id, claims.session_id) as reader:
        with _refusals_counted(instruments):
            if reader is None:
                raise _revoked()
        _count(instruments, ACCEPTED)
        yield reader


async def _principal(request: Request, token: Annotated[str | None, Depends(_bearer)]) -> Principal:
    state = request.state
    instruments: Instruments = request.app.state.instruments
    return await authenticate(token, state.verifier, state.sessions, instruments)


CurrentUser = Annotated[Principal, Depends(_principal)]


async def _user_reading(
    request: Request, token: Annotated[str | None, Depends(_bearer)]
) -> AbstractAsyncContextManager[Reader]:
    state = request.state
    instruments: Instruments = request.app.state.instruments
    with _refusals_counted(instruments):
        claims = await _claims(token, state.verifier)
    return _live_reading(state.engine, claims, instruments)


# Entered by the route, not by FastAPI, whose generators cost as much as the queries; and so the
# connection is back in its pool before the answer is put together.
UserReading = Annotated[AbstractAsyncContextManager[Reader], Depends(_user_reading)]
"""A read-only transaction bound to the caller, for routes that are asked often.

The token is good by then; that its session is live is asked on entering: `async with reading as …`.
"""
