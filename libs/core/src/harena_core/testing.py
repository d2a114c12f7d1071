"""What the tests of every service need: a served app, and tokens, good and bad."""

import asyncio
import secrets
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
from starlette.types import ASGIApp

from harena_core import keys
from harena_core.serve import server
from harena_core.settings import CoreSettings

WAIT_SECONDS = 10.0
PORTS = range(24_000, 30_000)  # below those of connections and of NodePorts
START_SECONDS = 30.0  # of a process: imports alone take seconds on a busy machine


def free_port() -> int:
    """A port that nobody listened on a moment ago.

    Not one that the system would choose: it gives the same to the next connection that any process
    opens, which a server that is yet to start would find taken.
    """
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("", port))
            return port


class HandClock:
    """Stands still until a test moves its `now`: in place of `time.monotonic`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = WAIT_SECONDS
) -> None:
    """Polls until the condition holds. Raises TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 -- nobody would set an event
            await asyncio.sleep(0.02)


def socket_url(client: httpx2.AsyncClient, path: str) -> str:
    """Where the server of this client has a WebSocket."""
    return str(client.base_url.copy_with(scheme="ws")).rstrip("/") + path


@asynccontextmanager
async def process(
    command: Sequence[str], environment: Mapping[str, str], *, port: int, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service as a process of its own, alive on this port; killed at the end if it still runs.

    Raises RuntimeError with the end of its log where it does not start.
    """
    with log.open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )

    async def alive() -> bool:
        if started.returncode is not None:
            written = await asyncio.to_thread(log.read_text)
            raise RuntimeError(f"it ended before it served:\n{written[-2000:]}")
        with suppress(httpx2.TransportError):
            return (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200
        return False

    try:
        async with httpx2.AsyncClient(trust_env=False) as client:
            await eventually(alive, seconds=START_SECONDS)
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


@asynccontextmanager
async def running(app: ASGIApp, settings: CoreSettings) -> AsyncIterator[httpx2.AsyncClient]:
    """The app behind a real uvicorn on a free port, and a client of it."""
    uvicorn = server(app, settings.model_copy(update={"host": "127.0.0.1", "port": 0}))
    serving = asyncio.create_task(uvicorn.serve())

    async def started() -> bool:
        if serving.done():
            serving.result()
            raise RuntimeError("the app ended before it served")
        return uvicorn.started

    try:
        await eventually(started)
        port = uvicorn.servers[0].sockets[0].getsockname()[1]
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=WAIT_SECONDS, trust_env=False
        ) as client:
            yield client
    finally:
        uvicorn.should_exit = True
        await serving


class TokenMint:
    """Makes tokens as the user service does, and the key set file that services read."""

    def __init__(
        self, folder: Path, *, issuer: str = "harena", audience: str = "harena-api"
    ) -> None:
        self.private_pem = keys.make_signing_key()
        self.key_set_file = folder / "keys.json"
        self.signing_key_file = folder / "signing.pem"
        self.signing_key_file.write_text(self.private_pem)
        self.key_set_file.write_text(keys.key_set([keys.public_jwk(self.private_pem)]))
        self._issuer = issuer
        self._audience = audience

    def claims(
        self, user_id: int, session_id: UUID | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Good claims, with changes; a change to None takes the claim out."""
        now = int(time.time())
        claims = {
            "sub": str(user_id),
            "iat": now,
            "exp": now + 600,
            "jti": uuid4().hex,
            "iss": self._issuer,
            "aud": self._audience,
            "sid": str(session_id or uuid4()),
            "permissions": [],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, user_id: int, session_id: UUID | None = None, **changes: Any) -> str:
        """A token signed with the deployment's key."""
        return keys.sign(self.claims(user_id, session_id, **changes), self.private_pem)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a session, which may be live or not."""

    user_id: int
    session_id: UUID
    mint: TokenMint = field(repr=False)

    @property
    def token(self) -> str:
        return self.mint.token(self.user_id, self.session_id)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
