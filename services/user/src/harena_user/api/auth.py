"""Logging in and out, and registering."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.security import OAuth2PasswordRequestForm

from harena_core.auth import CurrentUser
from harena_core.dependencies import ClientAddress
from harena_core.errors import ErrorBody
from harena_user.api.dependencies import Users
from harena_user.schemas import Registration, Token, User

router = APIRouter(prefix="/api/v1", tags=["auth"])

_TOO_MANY = {"model": ErrorBody, "description": "Too many; `Retry-After` says when to come back."}
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "Unknown e-mail, wrong password or closed."},
    429: _TOO_MANY,
}


@router.post("/users/auth/login", summary="Log in", responses=_REFUSED)
@router.post("/auth/login", summary="Log in", responses=_REFUSED)
async def log_in(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    users: Users,
    address: ClientAddress,
    response: Response,
) -> Token:
    """`username` is the e-mail."""
    token = await users.log_in(form.username, form.password, address)
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1
    return token


@router.post("/users/auth/logout", summary="Log out", status_code=HTTPStatus.NO_CONTENT)
@router.post("/auth/logout", summary="Log out", status_code=HTTPStatus.NO_CONTENT)
async def log_out(user: CurrentUser, users: Users) -> None:
    """Ends the session of this token, at once and everywhere; the user's others stay."""
    await users.log_out(user)


@router.post(
    "/users/register",
    summary="Register",
    responses={
        400: {"model": ErrorBody, "description": "The e-mail is taken."},
        429: _TOO_MANY,
    },
)
async def register(wanted: Registration, users: Users, address: ClientAddress) -> User:
    return await users.register(wanted, address)
