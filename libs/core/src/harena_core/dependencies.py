"""What a route asks for, by name."""

from collections.abc import AsyncIterator
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from fastapi.requests import HTTPConnection
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.auth import CurrentUser
from harena_core.clock import Clock
from harena_core.db import transaction


async def _clock(request: Request) -> Clock:
    clock: Clock = request.state.clock
    return clock


async def _client_address(connection: HTTPConnection) -> str:
    return network_of(connection.client.host if connection.client else "")


def network_of(host: str) -> str:
    """The address that a client cannot change at will: a whole /64 of IPv6 is one customer's."""
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket has no address
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), 64), strict=False))
        address = address.ipv4_mapped
    return str(address)


async def _user_transaction(request: Request, user: CurrentUser) -> AsyncIterator[AsyncConnection]:
    async with transaction(request.state.engine, user.user_id) as connection:
        yield connection


ClockDep = Annotated[Clock, Depends(_clock)]
ClientAddress = Annotated[str, Depends(_client_address)]
"""Of a request or a WebSocket: what the edge says, never a header of the client's."""

# scope="function": the commit has happened, or failed, before the answer is sent.
UserTransaction = Annotated[AsyncConnection, Depends(_user_transaction, scope="function")]
"""A transaction bound to the caller: the only kind in which a user's rows can be seen."""
