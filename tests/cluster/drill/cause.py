"""What a cause is: what is done to the platform, the alerts it must fire, and its undoing."""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.cluster.cluster import Object
from tests.cluster.drill.hands import Hands


@dataclass(frozen=True)
class Alert:
    """One that is expected: its name, and those of its labels that tell it from others."""

    name: str
    labels: Mapping[str, str]

    def __str__(self) -> str:
        labels = ", ".join(f'{name}="{value}"' for name, value in self.labels.items())
        return f"{self.name}{{{labels}}}" if labels else self.name

    def is_among(self, firing: list[Object]) -> bool:
        wanted = {"alertname": self.name, **self.labels}
        return any(wanted.items() <= alert["labels"].items() for alert in firing)


def alert(name: str, **labels: str) -> Alert:
    return Alert(name, labels)


Body = Callable[[Hands], AsyncIterator[None]]


@dataclass(frozen=True)
class Cause:
    """Its name and text are the function's own; entering makes it, leaving undoes it."""

    name: str
    text: str
    alerts: tuple[Alert, ...]
    within: float
    touches: str
    """Of the causes that touch the same thing only one is there at a time, in their order."""
    make: Callable[[Hands], AbstractAsyncContextManager[None]]


def cause(*alerts: Alert, within: float, touches: str) -> Callable[[Body], Cause]:
    """Makes a cause of a generator whose alerts must all fire within so many seconds."""

    def made(body: Body) -> Cause:
        name, text = body.__name__.replace("_", "-"), inspect.getdoc(body)
        assert text, f"{name} does not say what it does"
        return Cause(
            name, " ".join(text.split()), alerts, within, touches, asynccontextmanager(body)
        )

    return made
