"""Writes what the docs say of the code: docs/settings.md, docs/edge.md, the README's demo logins.

    python tools/document.py           writes
    python tools/document.py --check   says what is out of date, and writes nothing

`tests/docs` runs the check, so that a setting cannot be added without its line.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from harena_core.settings import CoreSettings
from harena_db.cli import RolePasswords
from harena_demo.cli import DemoSettings
from harena_demo.generator import DEMO_LOGINS
from harena_edge import capabilities, model
from harena_edge.capabilities import EDGE_KINDS
from harena_edge.model import Route
from harena_local.state import LocalSettings

ROOT = Path(__file__).parents[1]

SERVICES = {
    "user": "UserSettings",
    "search": "SearchSettings",
    "metric": "MetricSettings",
    "budget": "BudgetSettings",
    "conversation": "ConversationSettings",
    "portal": "PortalSettings",
}
# What each command reads of its settings class; of those it inherits a service's more.
COMMANDS: dict[str, tuple[type[BaseSettings], set[str]]] = {
    "harena": (LocalSettings, set()),
    "harena-db": (RolePasswords, {"database_url"}),
    "harena-demo": (DemoSettings, {"database_url", "today", "timezone"}),
}

_HEAD = """# Settings

Written by `make docs` from the settings classes; do not edit.

Every setting is an environment variable. The value of any may come from a file: `X_FILE` names the
file that holds the value of `X`, which is how a mounted secret is given. (Not so for `harena`.)
`all` are the five services and the portal.
"""


def settings_page() -> str:
    """One table: a setting, its default, who reads it. Raises ValueError for an undescribed one."""
    readers: dict[tuple[str, str, str], list[str]] = {}
    for reader, settings, names in _readers():
        for name in names:
            readers.setdefault(_row(settings, name), []).append(reader)
    lines = [_HEAD, "| variable | default | read by | what it is |", "| --- | --- | --- | --- |"]
    for (name, default, description), found in sorted(readers.items()):
        services = [reader for reader in found if reader in SERVICES]
        if len(services) == len(SERVICES):
            found = ["all", *found[len(services) :]]
        lines.append(f"| `{name}` | {default} | {', '.join(found)} | {description} |")
    return "\n".join(lines) + "\n"


def _readers() -> Iterator[tuple[str, type[BaseSettings], Iterable[str]]]:
    for service, name in SERVICES.items():
        settings = getattr(import_module(f"harena_{service}.settings"), name)
        yield service, settings, settings.model_fields
    for command, (settings, inherited) in COMMANDS.items():
        yield command, settings, settings.__annotations__.keys() | inherited


def _row(settings: type[BaseSettings], name: str) -> tuple[str, str, str]:
    """Variable, default and description, which may be that of the class where it came from."""
    field = settings.model_fields[name]
    for parent in (*settings.__mro__, CoreSettings):
        if issubclass(parent, BaseSettings) and name in parent.model_fields:
            if description := parent.model_fields[name].description:
                return name.upper(), _default(field), description
    raise ValueError(f"{settings.__name__}.{name} has no description")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value in (None, "", PydanticUndefined):
        return "–"
    if isinstance(value, Path):
        value = value.relative_to(ROOT)
    return f"`{value}`"


_EDGE = """# The edge, side by side

Written by `make docs` from the routing model and the table of capabilities; do not edit.

Three programs can be the edge: the local nginx of `make up`, ingress-nginx and Traefik. Each is
made from the one model, `libs/edge/src/harena_edge/routing.yaml`, and asked by the one contract
suite, `tests/edge`.

## What is the same everywhere

A route is one bucket for each client address. What comes above rate and burst is a 429, and so is
what comes while as many requests as `at once` are under way; an open stream or WebSocket is one.
"""

_DIFFERENCES = """
## What differs

The suite takes these differences from `capabilities.yaml`, and wants everything else of every edge.
"""


def edge_page() -> str:
    """Every route of the model, and for every capability what each edge does."""
    waits = "time-outs (connect, send, read)"
    head = f"| route | paths | to | requests/s, burst | at once | {waits} | body | |"
    lines = [_EDGE, head, "| --- " * 8 + "|"]
    for name, route in model.load().enabled_routes.items():
        lines.append(f"| {name} | {' | '.join(_limits(route))} |")
    lines += [_DIFFERENCES, f"| | {' | '.join(EDGE_KINDS)} |", "| --- " * 4 + "|"]
    for row in capabilities.load().root.values():
        cells = (row.lacking.get(kind, "yes").strip().replace("|", "\\|") for kind in EDGE_KINDS)
        lines.append(f"| {row.says} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _limits(route: Route) -> tuple[str, ...]:
    paths = " ".join(
        f"`{path}`" if route.exact or path == "/" else f"`{path}/…`"
        for path in route.exact or route.prefixes
    )
    wait = route.timeouts
    special = {"WebSocket": route.websocket, "no buffering": not route.buffering}
    return (
        paths,
        route.service or "each of the five",
        f"{route.rate}, {route.burst}",
        f"{route.connections}",
        f"{wait.connect}, {wait.send}, {wait.read} s",
        f"{route.body_limit / 2**20:g} MiB",
        ", ".join(name for name, given in special.items() if given),
    )


def readme(text: str) -> str:
    """The README with the logins that the demo data really has."""
    rows = [f"| {user.email} | {user.password} | {user.description} |" for user in DEMO_LOGINS]
    table = "\n".join(["| login | password | household |", "| --- | --- | --- |", *rows])
    return re.sub(
        r"\| login \|.*?(?=\n<!-- demo-logins -->)", lambda _: table, text, flags=re.DOTALL
    )


def main() -> int:
    """The number of files that were out of date, at most 1 as a status."""
    docs, front = ROOT / "docs", ROOT / "README.md"
    wanted = {
        docs / "settings.md": settings_page(),
        docs / "edge.md": edge_page(),
        front: readme(front.read_text()),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    checks = "--check" in sys.argv
    for path in stale:
        if not checks:
            path.write_text(wanted[path])
        said = "is out of date: run make docs" if checks else "written"
        print(f"{path.relative_to(ROOT)} {said}")
    return int(checks and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
