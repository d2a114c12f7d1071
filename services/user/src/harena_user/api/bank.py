"""What the bank connections brought: read only, the caller's own, by the bank API's ids.

Lists answer with and without a trailing slash: a redirect would lose the way through the edge.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from harena_core.auth import CurrentUser
from harena_core.dependencies import ClockDep
from harena_core.errors import ErrorBody, NotFound
from harena_user.api.dependencies import Bank, Categories
from harena_user.schemas import (
    Account,
    BankId,
    CategoryGroup,
    Item,
    Transaction,
    TransactionPage,
    TransactionQuery,
)

router = APIRouter(prefix="/api/v1")

ItemId = Annotated[BankId, Path(description="The bank API's id of a connection.")]
AccountId = Annotated[BankId, Path(description="The bank API's id of an account.")]
TransactionId = Annotated[BankId, Path(description="The bank API's id of a row.")]
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "Unknown, or not yours."}
}


@router.get("/users/bridge/accounts", summary="My bank accounts", tags=["accounts"])
@router.get("/accounts", summary="My bank accounts", tags=["accounts"])
@router.get("/accounts/", include_in_schema=False)
async def list_accounts(
    user: CurrentUser,
    bank: Bank,
    item_id: Annotated[BankId | None, Query(description="Only this connection's.")] = None,
) -> list[Account]:
    return await bank.accounts(user.user_id, item_id)


@router.get(
    "/accounts/{account_id}", summary="One bank account", tags=["accounts"], responses=_UNKNOWN
)
async def get_account(account_id: AccountId, user: CurrentUser, bank: Bank) -> Account:
    account = await bank.account(user.user_id, account_id)
    if account is None:
        raise NotFound("Ce compte n'existe pas.")
    return account


@router.get("/items", summary="My connections to banks", tags=["items"])
@router.get("/items/", include_in_schema=False)
async def list_items(user: CurrentUser, bank: Bank) -> list[Item]:
    return await bank.items(user.user_id)


@router.get(
    "/items/{item_id}", summary="One connection to a bank", tags=["items"], responses=_UNKNOWN
)
async def get_item(item_id: ItemId, user: CurrentUser, bank: Bank) -> Item:
    item = await bank.item(user.user_id, item_id)
    if item is None:
        raise NotFound("Cette connexion bancaire n'existe pas.")
    return item


@router.get("/transactions", summary="My transactions, newest first", tags=["transactions"])
@router.get("/transactions/", include_in_schema=False)
async def list_transactions(
    query: Annotated[TransactionQuery, Query()], user: CurrentUser, bank: Bank, clock: ClockDep
) -> TransactionPage:
    rows, total = await bank.transactions(user.user_id, query, today=clock.today())
    return TransactionPage(
        items=rows,
        total=total,
        limit=query.limit,
        offset=query.offset,
        has_more=query.offset + len(rows) < total,
    )


@router.get(
    "/transactions/{transaction_id}",
    summary="One transaction",
    tags=["transactions"],
    responses=_UNKNOWN,
)
async def get_transaction(
    transaction_id: TransactionId, user: CurrentUser, bank: Bank, clock: ClockDep
) -> Transaction:
    row = await bank.transaction(user.user_id, transaction_id, today=clock.today())
    if row is None:
        raise NotFound("Cette opération n'existe pas.")
    return row


@router.get("/categories", summary="Categories by group", tags=["categories"])
@router.get("/categories/", include_in_schema=False)
async def list_categories(_: CurrentUser, categories: Categories) -> list[CategoryGroup]:
    return await categories.groups()
