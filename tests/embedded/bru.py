"""Reads and runs a Bruno collection: the part of the format that ours uses, and nothing else.

Anything that is not understood is an error, so that a request can never pass by being skipped.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

_BLOCK = re.compile(r"^([a-z:-]+) \{\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
_KNOWN = {
    "meta",
    "get",
    "post",
    "put",
    "delete",
    "auth:bearer",
    "body:form-urlencoded",
    "body:json",
    "vars:post-response",
    "assert",
    "docs",
    "vars",
}


@dataclass(frozen=True)
class Request:
    """One file of the collection."""

    path: Path
    blocks: Mapping[str, Mapping[str, str]]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


def parse(path: Path) -> Request:
    """Raises ValueError for a block that the runner does not know."""
    blocks: dict[str, dict[str, str]] = {}
    for name, body in _BLOCK.findall(path.read_text()):
        if name not in _KNOWN:
            raise ValueError(f"{path}: {name} blocks are not run")
        if name == "body:json":
            blocks[name] = {"text": body}
            continue
        lines = [line.strip() for line in body.splitlines() if line.strip()]
        blocks[name] = dict(_pair(line) for line in lines) if name != "docs" else {}
    return Request(path, blocks)


def collection(folder: Path) -> list[Request]:
    """Every request, in the order of the file tree."""
    return [parse(path) for path in sorted(folder.glob("[0-9]*/*.bru"))]


def _pair(line: str) -> tuple[str, str]:
    name, separator, value = line.partition(": ")
    if not separator:
        raise ValueError(f"not a pair: {line!r}")
    return name, value


class Runner:
    """Sends the requests one after the other and keeps the variables between them."""

    def __init__(self, client: httpx2.Client, variables: Mapping[str, str]) -> None:
        self._client = client
        self.variables = dict(variables)

    def run(self, request: Request) -> list[str]:
        """Sends one request; the sentences about what did not hold."""
        blocks = request.blocks
        [method] = [name for name in ("get", "post", "put", "delete") if name in blocks]
        headers = {}
        if "auth:bearer" in blocks:
            headers["Authorization"] = "Bearer " + self._fill(blocks["auth:bearer"]["token"])
        form = {
            name: self._fill(value)
            for name, value in blocks.get("body:form-urlencoded", {}).items()
        }
        given: dict[str, Any] = {"data": form} if form else {}
        if "body:json" in blocks:
            given = {"json": json.loads(self._fill(blocks["body:json"]["text"]))}
        answer = self._client.request(
            method, self._fill(blocks[method]["url"]), headers=headers, **given
        )
        for name, expression in blocks.get("vars:post-response", {}).items():
            self.variables[name] = str(_value(answer, expression))
        return list(self._failures(answer, blocks["assert"]))

    def _failures(self, answer: httpx2.Response, asserts: Mapping[str, str]) -> Iterator[str]:
        for expression, condition in asserts.items():
            found = _value(answer, expression)
            operator, _, expected = self._fill(condition).partition(" ")
            if not _holds(found, operator, expected):
                yield f"{expression} is {found!r}, not {condition}"

    def _fill(self, text: str) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda match: self.variables[match[1]], text)


def _value(answer: httpx2.Response, expression: str) -> Any:
    if expression == "res.status":
        return answer.status_code
    found = answer.json()
    for part in expression.removeprefix("res.body.").split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _holds(found: Any, operator: str, expected: str) -> bool:
    match operator:
        case "eq":
            return str(found).lower() == expected.lower()
        case "lt":
            return bool(found < float(expected))
        case "isString":
            return isinstance(found, str)
        case "isNumber":
            return isinstance(found, int | float) and not isinstance(found, bool)
    raise ValueError(f"{operator} is not run")
