"""The routing model: `routing.yaml`, strict and frozen.

It knows paths, rates and headers, and no proxy: how an edge says them is that edge's own module.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    model_validator,
)

PLACEHOLDER = "{service}"

# What may stand in a path is what needs quoting nowhere: no edge's syntax can be broken out of.
_PATH = re.compile(r"/|(?:/[A-Za-z0-9._{}-]+)+")


def _is_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError("a path begins with a slash and ends without one")
    return value


UrlPath = Annotated[str, AfterValidator(_is_path)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+(-[A-Za-z]+)*$")]
# Printable, and without what quotes or begins a variable in nginx.
HeaderValue = Annotated[str, StringConstraints(pattern=r'^[^\x00-\x1f"\\$]+$', min_length=1)]
Origin = Annotated[str, StringConstraints(pattern=r"^(\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?)$")]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Timeouts(_Strict):
    """Seconds: to connect, and of silence while sending and while reading."""

    connect: PositiveInt
    send: PositiveInt
    read: PositiveInt


@dataclass(frozen=True, slots=True)
class Match:
    """One path of a route and the service behind it."""

    path: str
    exact: bool
    service: str

    def takes(self, path: str) -> bool:
        """Whether a request of this path is meant; a prefix takes itself and all below it."""
        below = not self.exact and path.startswith(f"{self.path.rstrip('/')}/")
        return below or path == self.path


class Route(_Strict):
    """One row of the routing table: one bucket, one set of limits."""

    enabled: bool
    service: Name | None = None
    each_of: tuple[Name, ...] = Field(
        default=(), description="Instead of `service`: one path for each, with {service} in it."
    )
    prefixes: tuple[UrlPath, ...] = Field(
        default=(), description="Match whole segments: the path itself and everything below."
    )
    exact: tuple[UrlPath, ...] = ()
    rate: PositiveInt = Field(description="Requests a second and client address.")
    burst: PositiveInt
    connections: PositiveInt = Field(
        description="Requests under way of one client address: an open stream or WebSocket is one."
    )
    timeouts: Timeouts
    body_limit: PositiveInt = Field(description="Bytes.")
    buffering: bool
    websocket: bool
    try_once: bool

    @model_validator(mode="after")
    def _is_routable(self) -> Self:
        if bool(self.prefixes) == bool(self.exact):
            raise ValueError("a route has either `prefixes` or `exact`")
        if bool(self.service) == bool(self.each_of):
            raise ValueError("a route has either `service` or `each_of`")
        for path in self.prefixes or self.exact:
            rest = path.replace(PLACEHOLDER, "", 1) if self.each_of else path
            if "{" in rest or "}" in rest or (self.each_of and rest == path):
                raise ValueError(f"{PLACEHOLDER} stands once in each path of `each_of`: {path}")
        if self.burst % self.rate:
            raise ValueError("burst is a multiple of rate: an Ingress can say no other")
        return self

    @property
    def services(self) -> tuple[str, ...]:
        return (self.service,) if self.service else self.each_of

    def matches(self) -> Iterator[Match]:
        """Every path of the route with its service, in the order of the file."""
        for service in self.services:
            for path in self.prefixes or self.exact:
                yield Match(path.replace(PLACEHOLDER, service), bool(self.exact), service)


class Cors(_Strict):
    """Who may read answers from another origin."""

    origins: tuple[Origin, ...] = Field(min_length=1)
    methods: tuple[Method, ...] = Field(min_length=1)
    headers: tuple[HeaderName, ...]
    expose: tuple[HeaderName, ...]
    max_age: PositiveInt = Field(description="Seconds that a preflight's answer holds.")

    @model_validator(mode="after")
    def _is_any_or_a_list(self) -> Self:
        if "*" in self.origins and len(self.origins) > 1:
            raise ValueError("either * or a list of origins")
        return self

    @property
    def allows_any(self) -> bool:
        return self.origins == ("*",)


class Routing(_Strict):
    """The whole model."""

    routes: Mapping[Name, Route]
    cors: Cors
    security_headers: Mapping[HeaderName, HeaderValue]
    strict_transport_security: HeaderValue
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]

    # No order of the rows decides anything then, nor does an edge's way of choosing among them.
    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        matches = [
            (name, match) for name, route in self.routes.items() for match in route.matches()
        ]
        if not any(route.enabled and "/" in route.prefixes for route in self.routes.values()):
            raise ValueError("one route has the prefix /: every request is answered by someone")
        for (name, match), (other_name, other) in permutations(matches, 2):
            if match.path != "/" and name != other_name and match.takes(other.path):
                raise ValueError(f"{other.path} of {other_name} is taken by {name}")
        return self

    @property
    def enabled_routes(self) -> dict[str, Route]:
        return {name: route for name, route in self.routes.items() if route.enabled}

    @property
    def services(self) -> frozenset[str]:
        """Every service that gets requests."""
        return frozenset(s for route in self.enabled_routes.values() for s in route.services)

    def route_of(self, path: str) -> tuple[str, Match]:
        """The name of the route that takes a path, and its match; "/" takes all the rest."""
        matches = [
            (name, match)
            for name, route in self.enabled_routes.items()
            for match in route.matches()
            if match.takes(path)
        ]
        return max(matches, key=lambda found: len(found[1].path))


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`; mappings are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def load(overrides: Mapping[str, Any] | None = None, *, path: Path | None = None) -> Routing:
    """The model of the package, or of `path`, with a deployment's values laid over it.

    `load({"cors": {"origins": ["https://app.example"]}})` changes the origins and nothing else.
    Raises pydantic's ValidationError where the result is not a model.
    """
    source = path or files("harena_edge") / "routing.yaml"
    data = merge(yaml.safe_load(source.read_text(encoding="utf-8")), overrides or {})
    defaults = data.pop("defaults", {})
    data["routes"] = {name: merge(defaults, row) for name, row in data["routes"].items()}
    return Routing.model_validate(data)
