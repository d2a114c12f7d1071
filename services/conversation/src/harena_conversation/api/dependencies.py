"""What both transports need."""

import asyncio
from collections.abc import Awaitable

from fastapi import WebSocketDisconnect

from harena_conversation.service import Gone

# A client that reads nothing for so long, with its buffers full, is not there.
SEND_SECONDS = 10.0


async def in_time(sending: Awaitable[None]) -> None:
    """Raises Gone where the client does not take it."""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await sending
    # RuntimeError is what uvicorn raises for a client that it gave up, such as after a missed pong.
    except (TimeoutError, WebSocketDisconnect, RuntimeError) as error:
        raise Gone from error
