"""The conversation service as an app, and as a process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from harena_conversation import api
from harena_conversation.service import Answerer, ConversationService, NoAssistant
from harena_conversation.settings import ConversationSettings
from harena_conversation.throttle import Places, Questions
from harena_core import serve as core
from harena_core.app import create_app
from harena_core.metrics import Instruments
from harena_core.resources import service_resources


@asynccontextmanager
async def _resources(
    settings: ConversationSettings, instruments: Instruments, *, answerer: Answerer
) -> AsyncIterator[Mapping[str, Any]]:
    questions = Questions(settings.questions_per_minute)
    async with service_resources(settings, instruments) as shared:
        yield {
            **shared,
            "conversation": ConversationService(answerer, questions, settings.answer_seconds),
            "places": Places(settings.sockets_per_address, settings.sockets_at_most),
        }


def create(settings: ConversationSettings, answerer: Answerer | None = None) -> FastAPI:
    """The app, with nothing opened yet."""
    resources = partial(_resources, answerer=answerer or NoAssistant())
    return create_app(settings, service="conversation", routers=api.routers, resources=resources)


def serve() -> None:
    """Runs the service until it is told to stop."""
    core.serve(create, ConversationSettings())
