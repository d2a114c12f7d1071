"""The caller's own account."""

from fastapi import APIRouter

from harena_core.auth import CurrentUser
from harena_core.dependencies import ClientAddress, UserTransaction
from harena_core.errors import ErrorBody
from harena_user import service
from harena_user.api.dependencies import Users
from harena_user.repository import UserRepository
from harena_user.schemas import ProfileChange, User

router = APIRouter(prefix="/api/v1/users", tags=["users"])


@router.get("/me", summary="Who I am, and my preferences")
async def me(user: CurrentUser, connection: UserTransaction) -> User:
    return await service.profile(UserRepository(connection), user.user_id)


@router.put(
    "/me",
    summary="Change my account or preferences",
    responses={
        400: {"model": ErrorBody, "description": "E-mail taken, or wrong current password."},
        429: {"model": ErrorBody, "description": "Too many wrong passwords, or new names."},
    },
)
async def change_me(
    change: ProfileChange, user: CurrentUser, users: Users, address: ClientAddress
) -> User:
    """What is absent stays. Preferences are merged: objects key by key, lists replaced.

    A new password ends all sessions, the one of this request included.
    """
    return await users.change(user.user_id, change, address)
