"""What the routes ask for, by name."""

from functools import partial
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
        renames=state.renames,
        token_lifetime=state.token_lifetime,
    )


async def _bank(connection: UserTransaction) -> BankRepository:
    return BankRepository(connection)


async def _categories(connection: UserTransaction) -> CategoryRepository:
    return CategoryRepository(connection)


Users = Annotated[UserService, Depends(_service)]
Bank = Annotated[BankRepository, Depends(_bank)]
Categories = Annotated[CategoryRepository, Depends(_categories)]
