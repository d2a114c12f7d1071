"""What the routes ask for, by name."""

from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request

from harena_core.db import transaction
from harena_core.dependencies import UserTransaction
from harena_user.repository import BankRepository, CategoryRepository
from harena_user.service import UserService


async def _service(request: Request) -> UserService:
    state = request.state
    return UserService(
        transaction=partial(transaction, state.engine),
        clock=state.clock,
        passwords=state.passwords,
        signer=state.signer,
        sessions=state.sessions,
        logins=state.logins,
        registrations=state.registrations,
        token_lifetime=state.token_lifetime,
    )


async def _client_address(request: Request) -> str:
    return network_of(request.client.host if request.client else "")


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


async def _bank(connection: UserTransaction) -> BankRepository:
    return BankRepository(connection)


async def _categories(connection: UserTransaction) -> CategoryRepository:
    return CategoryRepository(connection)


Users = Annotated[UserService, Depends(_service)]
ClientAddress = Annotated[str, Depends(_client_address)]
Bank = Annotated[BankRepository, Depends(_bank)]
Categories = Annotated[CategoryRepository, Depends(_categories)]
