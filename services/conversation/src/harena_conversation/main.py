"""The conversation service: answers to questions in French."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from harena_conversation.api import routers
from harena_conversation.service import Answerer, ConversationService, NoAssistant
from harena_conversation.settings import ConversationSettings
from harena_conversation.throttle import Places, Questions
from harena_core import serve as core_serve
from harena_core.app import create_app
from harena_core.metrics import Instruments
from harena_core.resources import service_resources


def create(settings: ConversationSettings, answerer: Answerer | None = None) -> FastAPI:
    """The app, with nothing opened yet."""

    @asynccontextmanager
    async def resources(
        settings: ConversationSettings, instruments: Instruments
    ) -> AsyncIterator[Mapping[str, Any]]:
        async with service_resources(settings, instruments) as shared:
            yield {
                **shared,
                "conversation": ConversationService(
                    answerer or NoAssistant(),
                    Questions(settings.questions_per_minute),
                    settings.answer_seconds,
                ),
                "places": Places(settings.sockets_per_address, settings.sockets_at_most),
            }

    return create_app(settings, service="conversation", routers=routers, resources=resources)


def serve() -> None:
    core_serve.serve(create, ConversationSettings())
