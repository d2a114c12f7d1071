"""The user service as an app, and as a process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from harena_core import keys
from harena_core import serve as core
from harena_core.app import create_app
from harena_core.metrics import Instruments
from harena_core.resources import service_resources
from harena_user import api
from harena_user.passwords import Passwords
from harena_user.settings import UserSettings
from harena_user.throttle import Counters, HourlyLimit, LoginGuard, counting_secret
from harena_user.tokens import TokenSigner, UnknownSigningKey


@asynccontextmanager
async def _resources(
    settings: UserSettings, instruments: Instruments
) -> AsyncIterator[Mapping[str, Any]]:
    private_pem = settings.signing_key.get_secret_value()
    async with service_resources(settings, instruments) as shared:
        if await shared["key_set"].get(keys.public_jwk(private_pem)["kid"]) is None:
            raise UnknownSigningKey(f"SIGNING_KEY is not among the keys of {settings.key_set_file}")
        counters = Counters(shared["cache"], counting_secret(private_pem))
        yield {
            **shared,
            "signer": TokenSigner(private_pem, settings.token_issuer, settings.token_audience),
            "passwords": await asyncio.to_thread(Passwords),
            "logins": LoginGuard(counters),
            "registrations": HourlyLimit(counters, "registration", settings.registrations_per_hour),
            "renames": HourlyLimit(counters, "rename", settings.renames_per_hour),
            "token_lifetime": timedelta(seconds=settings.token_seconds),
        }


def create(settings: UserSettings) -> FastAPI:
    """The app, with nothing opened yet."""
    return create_app(settings, service="user", routers=api.routers, resources=_resources)


def serve() -> None:
    """Runs the service until it is told to stop."""
    core.serve(create, UserSettings())
