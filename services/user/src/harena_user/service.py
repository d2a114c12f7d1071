"""Logging in and out, registering, and changing what a user may change of their account.

Hashing takes tens of milliseconds, so no connection is held meanwhile; what was read before it is
read again, under a lock, by the transaction that acts on it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.auth import REVOKED, Principal, Sessions
from harena_core.clock import Clock
from harena_core.errors import BadRequest, Conflict, HarenaError, Invalid, NotAuthenticated
from harena_db.ledger import reclassify
from harena_ledger.scope import AccountSelection, InvalidSelection
from harena_user.passwords import Passwords
from harena_user.repository import (
    BankRepository,
    EmailTaken,
    Identity,
    Login,
    SessionRepository,
    UserRepository,
)
from harena_user.schemas import (
    DEFAULT_BUDGET_SETTINGS,
    MAX_EMAIL_LENGTH,
    PLACES,
    ProfileChange,
    Registration,
    Token,
    User,
    is_too_large,
    normal_email,
)
from harena_user.throttle import HourlyLimit, LoginGuard
from harena_user.tokens import TokenSigner

log = structlog.get_logger()

MAX_PASSWORD_LENGTH = 1024  # of an attempt: longer is no password, and costs no hashing

Transactions = Callable[[int | None], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a transaction bound to a user, or to nobody."""


class WrongCredentials(NotAuthenticated):
    """The same for an unknown address, a wrong password and an account that is closed."""

    code = "INVALID_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("E-mail ou mot de passe incorrect.")


class WrongPassword(BadRequest):
    """Not a 401, which would log the user out of everything."""

    code = "WRONG_PASSWORD"

    def __init__(self) -> None:
        super().__init__("Le mot de passe actuel est incorrect.")


class AddressTaken(BadRequest):
    code = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("Cette adresse e-mail est déjà utilisée.")


@dataclass(frozen=True, slots=True)
class UserService:
    """What the routes of accounts do. Every client address comes from the edge, never a header."""

    transaction: Transactions
    clock: Clock
    passwords: Passwords
    signer: TokenSigner
    sessions: Sessions
    logins: LoginGuard
    registrations: HourlyLimit
    renames: HourlyLimit
    token_lifetime: timedelta

    async def log_in(self, username: str, password: str, address: str) -> Token:
        """Raises WrongCredentials, or TooManyRequests after too many of them."""
        email = _known_spelling(username)
        async with self.logins.attempt(email, address, failure=WrongCredentials):
            while True:
                login, better = await self._verified(email, password, WrongCredentials)
                token = await self._begin_session(login, email, better)
                if token is not None:
                    return token

    async def log_out(self, user: Principal) -> None:
        """Ends the session of the token, everywhere and at once."""
        async with self.transaction(user.user_id) as connection:
            ended = await SessionRepository(connection).revoke(user.user_id, user.session_id)
        await self._forget(user.user_id, ended)

    async def register(self, wanted: Registration, address: str) -> User:
        """Raises AddressTaken, or TooManyRequests."""
        await self.registrations.attempt(address)
        password_hash = await self.passwords.hash(wanted.password.get_secret_value())
        async with self.transaction(None) as connection:
            user_id = await UserRepository(connection).next_id()
        try:
            async with self.transaction(user_id) as connection:
                users = UserRepository(connection)
                await users.add(
                    user_id,
                    email=wanted.email,
                    password_hash=password_hash,
                    first_name=wanted.first_name or None,
                    last_name=wanted.last_name or None,
                )
                await users.add_preferences(user_id, budget_settings=DEFAULT_BUDGET_SETTINGS)
                user = await profile(users, user_id)
        except EmailTaken as error:
            raise AddressTaken from error
        log.info("user_registered", user_id=user_id)
        return user

    async def change(self, user_id: int, change: ProfileChange, address: str) -> User:
        """Raises WrongPassword, AddressTaken, Invalid or TooManyRequests.

        A new password ends every session of the user, this one included.
        """
        verified, values = None, dict[str, Any](change.names())
        if change.email is not None:
            values["email"] = change.email
        if change.password is not None and change.current_password is not None:
            current = change.current_password.get_secret_value()
            verified = await self._verified_user(user_id, current, address)
            values["password_hash"] = await self.passwords.hash(change.password.get_secret_value())
        ended: Sequence[UUID] = ()
        try:
            async with self.transaction(user_id) as connection:
                users = UserRepository(connection)
                before = await users.lock(user_id)
                if verified is not None:
                    await _still(users, before, verified)
                    ended = await SessionRepository(connection).revoke(user_id)
                renamed = before is not None and _is_renamed(before, change)
                if renamed:
                    await self.renames.attempt(user_id)
                if values:
                    await users.update(user_id, **values)
                if renamed:
                    # A transfer may name its holder: internal then, and spending otherwise.
                    await reclassify(connection, user_id, timezone=self.clock.timezone)
                if change.preferences is not None:
                    sections = change.preferences.sections()
                    await _change_preferences(users, BankRepository(connection), user_id, sections)
                user = await profile(users, user_id)
        except EmailTaken as error:
            raise AddressTaken from error
        await self._forget(user_id, ended)
        return user

    async def _verified(
        self, email: str, password: str, failure: Callable[[], HarenaError]
    ) -> tuple[Login, str | None]:
        """The login whose password this is, and a better hash of it where there is one."""
        if len(password) > MAX_PASSWORD_LENGTH:
            raise failure()
        async with self.transaction(None) as connection:
            login = await UserRepository(connection).find_login(email)
        fits, better = await self.passwords.verify(password, login.password_hash if login else None)
        if login is None or not fits or not login.is_active:
            raise failure()
        return login, better

    async def _verified_user(self, user_id: int, password: str, address: str) -> Login:
        async with self.transaction(user_id) as connection:
            user = await profile(UserRepository(connection), user_id)
        async with self.logins.attempt(user.email, address, failure=WrongPassword):
            login, _ = await self._verified(user.email, password, WrongPassword)
        return login

    async def _begin_session(
        self, login: Login, email: str, better_hash: str | None
    ) -> Token | None:
        """None where the login was changed since it was verified: then it must be again."""
        now = self.clock.now()
        expires = now + self.token_lifetime
        async with self.transaction(login.user_id) as connection:
            users = UserRepository(connection)
            await users.lock(login.user_id, shared=better_hash is None)
            if await users.find_login(email) != login:
                return None
            if better_hash is not None:
                await users.update(login.user_id, password_hash=better_hash)
            session_id = await SessionRepository(connection).begin(login.user_id, expires)
        return Token(
            access_token=self.signer.sign(login.user_id, session_id, now, expires),
            expires_in=int(self.token_lifetime.total_seconds()),
        )

    async def _forget(self, user_id: int, ended: Sequence[UUID]) -> None:
        """After the commit: whatever a cache says of these sessions is no longer believed."""
        for session_id in ended:
            await self.sessions.forget(user_id, session_id)


def _known_spelling(username: str) -> str:
    """As the address would be stored; what is no address is nobody's."""
    try:
        return normal_email(username.strip()[: MAX_EMAIL_LENGTH + 1])
    except ValueError:
        return ""


def _is_renamed(before: Identity, change: ProfileChange) -> bool:
    return any(getattr(before, field) != name for field, name in change.names().items())


async def _still(users: UserRepository, before: Identity | None, verified: Login) -> None:
    """Raises Conflict where somebody else changed the password meanwhile."""
    if before is None or await users.find_login(before.email) != verified:
        raise Conflict("Le compte vient d'être modifié. Réessayez.")


async def profile(users: UserRepository, user_id: int) -> User:
    """The caller. Raises NotAuthenticated where the account was deleted meanwhile."""
    user = await users.find(user_id)
    if user is None:
        raise NotAuthenticated("Votre session est terminée.", code=REVOKED)
    return user


async def _change_preferences(
    users: UserRepository,
    bank: BankRepository,
    user_id: int,
    sections: Mapping[str, Mapping[str, Any]],
) -> None:
    stored = await users.find_preferences(user_id, lock=True)
    if stored is None:
        await users.add_preferences(user_id)
    before: dict[str, dict[str, Any]] = dict(stored) if stored else {}
    after = {name: merged(before.get(name, {}), change) for name, change in sections.items()}
    if "account_selection" in sections.get("budget_settings", {}):
        after["budget_settings"]["account_selection"] |= await _places(
            bank, user_id, after["budget_settings"]["account_selection"]
        )
    for name, settings in after.items():
        if is_too_large(settings):
            raise Invalid("préférences trop volumineuses", loc=("body", "preferences", name))
    # What did not change must not raise the data version: every cached figure hangs on it.
    changed = {name: settings for name, settings in after.items() if settings != before.get(name)}
    if changed:
        await users.update_preferences(user_id, **changed)


async def _places(
    bank: BankRepository, user_id: int, setting: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What tells the chosen accounts when they come back under other ids."""
    try:
        selection = AccountSelection.parse(setting)
    except InvalidSelection as error:  # what was stored before; what is given was validated
        loc = ("body", "preferences", "budget_settings", "account_selection")
        raise Invalid("sélection de comptes invalide", loc=loc) from error
    placed = selection.placed(await bank.places(user_id)).setting()
    return {PLACES: placed[PLACES]}


def merged(stored: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Objects key by key, anything else replaced; what is not named stays."""
    result = dict(stored)
    for key, value in change.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result
