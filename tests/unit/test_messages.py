"""What a person reads whose request is refused, whatever is wrong in it: French, never pydantic's.

In: every route of the services. Out: each complaint that its parameters and bodies are able of.
"""

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

import harena_conversation.api
import harena_metric.api
import harena_user.api
from harena_core import errors

ROUTERS = (*harena_user.api.routers, harena_metric.api.router, *harena_conversation.api.routers)

JUNK: tuple[Any, ...] = (
    *(None, True, [], {}, [{}], ["x"], [0], ["x" * 1000] * 1000, {"x": "\ud800"}),
    *("", "x", "x" * 5000, "\0", "\ud800", "é", "2026-02-30", "2026-02-01T01:00", "1" * 5000),
    *(0, -1, 1.5, 10**30, float("nan"), float("inf")),
)


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that a type consists of, at whatever depth."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models_in(field.annotation)
    for part in typing.get_args(kind):
        yield from models_in(part)


def taken() -> Iterator[Any]:
    """The types of what routes take from a client."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                hints = typing.get_type_hints(route.endpoint, include_extras=True)
                for name, hint in hints.items():
                    if name != "return":
                        yield from models_in(hint)
                    if getattr(hint, "__origin__", hint) is int:
                        yield hint


def complaints(kind: Any) -> Iterator[Any]:
    fields = getattr(kind, "model_fields", ())
    tried = [*JUNK, *({name: junk} for name in fields for junk in JUNK)]
    adapter = TypeAdapter[Any](kind)
    for value in tried:
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            yield from error.errors()


COMPLAINTS = {
    (error["type"], error.get("ctx", {}).get("field_type")): error
    for kind in taken()
    for error in complaints(kind)
}


@pytest.mark.parametrize("error", COMPLAINTS.values(), ids=map(str, COMPLAINTS))
def test_every_complaint_has_a_french_sentence(error: Any) -> None:
    said = errors._message(error)

    assert said != errors._UNKNOWN
    assert " or " not in said


def test_the_junk_reaches_far() -> None:
    assert len(COMPLAINTS) > 20
