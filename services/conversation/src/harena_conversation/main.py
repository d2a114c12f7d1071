"""The conversation service: answers to questions in French."""

from fastapi import FastAPI

from harena_conversation.settings import ConversationSettings
from harena_core import serve as core_serve
from harena_core.app import create_app
from harena_core.resources import service_resources


def create(settings: ConversationSettings) -> FastAPI:
    return create_app(settings, service="conversation", routers=(), resources=service_resources)


def serve() -> None:
    core_serve.serve(create, ConversationSettings())
