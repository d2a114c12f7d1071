"""JSON logs, one event a line, each with the id of the request that caused it.

An event is a `snake_case` name and fields. What must never be a field: a token, a password, a bank
label, a merchant, a question, an IBAN, a query string. The words of an exception may repeat any of
them (Postgres quotes the row that it refuses), so of exceptions only kinds and places are logged.
"""

import logging
import re
import secrets
import sys
from collections.abc import Iterator
from traceback import StackSummary, walk_tb
from typing import Any

import structlog
from structlog.contextvars import get_contextvars

_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

MAX_FRAMES = 50  # of each exception, the innermost: an endless recursion has a thousand


def request_id() -> str:
    """The id of the request being served, or "-" outside of one."""
    return str(get_contextvars().get("request_id", "-"))


def accept_request_id(given: str | None) -> str:
    """The caller's id where it is safe to log and return, else a new one."""
    if given and _SAFE_REQUEST_ID.fullmatch(given):
        return given
    return secrets.token_hex(16)


def _told(error: BaseException) -> Iterator[str]:
    """Kinds and places without words; what an exception came from stands before it."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _told(cause)
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _told(inner)
    yield f"{type(error).__module__}.{type(error).__qualname__}"
    frames = walk_tb(error.__traceback__)
    for frame in StackSummary.extract(frames, limit=-MAX_FRAMES, lookup_lines=False):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"


exceptions = structlog.processors.ExceptionRenderer(lambda info: "\n".join(_told(info[1])))
"""The processor that renders the `exc_info` of an event."""


def configure(service: str, level: str) -> None:
    """Sends structlog and the standard library's logging to standard output, as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
    ]
    rendered: list[Any] = [
        exceptions,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    # Ours are written at once: through the handlers of the standard library one costs three times
    # as much (76 µs and 23).
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn's own handlers would print each event twice and not as JSON.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"
    # They log whole addresses, and a query string may hold a merchant or a label. uvicorn does so
    # for WebSockets, and at DEBUG logs their frames.
    for name in ("httpx2", "httpcore2", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _named(service: str) -> Any:
    def add(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = service
        return event

    return add
