"""Writes what the docs say of the code: docs/settings.md, and the demo logins in the README.

    python tools/document.py           writes
    python tools/document.py --check   says what is out of date, and writes nothing

`tests/docs` runs the check, so that a setting cannot be added without its line.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from harena_demo.generator import DEMO_LOGINS

ROOT = Path(__file__).parents[1]

SETTINGS = {
    "user": "UserSettings",
    "search": "SearchSettings",
    "metric": "MetricSettings",
    "budget": "BudgetSettings",
    "conversation": "ConversationSettings",
    "portal": "PortalSettings",
}

_HEAD = """# Settings

Written by `make docs` from the settings classes; do not edit.

Every setting is an environment variable. The value of any of them may come from a file: `X_FILE`
names the file that holds the value of `X`, which is how a mounted secret is given.
"""


def settings_page() -> str:
    """One table for what several services read, one for what each alone reads."""
    classes = {
        service: getattr(import_module(f"harena_{service}.settings"), name)
        for service, name in SETTINGS.items()
    }
    readers: dict[tuple[str, str, str], list[str]] = {}
    for service, settings in classes.items():
        for name, field in settings.model_fields.items():
            row = (name.upper(), _default(field), field.description or "")
            readers.setdefault(row, []).append(service)
    lines = [_HEAD, "| variable | default | read by | what it is |", "| --- | --- | --- | --- |"]
    for (name, default, description), services in sorted(readers.items()):
        by = "all" if len(services) == len(classes) else ", ".join(services)
        lines.append(f"| `{name}` | {default} | {by} | {description} |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value in (None, "", PydanticUndefined):
        return "–"
    return f"`{value}`"


def readme(text: str) -> str:
    """The README with the logins that the demo data really has."""
    rows = [f"| {user.email} | {user.password} | {user.description} |" for user in DEMO_LOGINS]
    table = "\n".join(["| login | password | household |", "| --- | --- | --- |", *rows])
    return re.sub(
        r"\| login \|.*?(?=\n<!-- demo-logins -->)", lambda _: table, text, flags=re.DOTALL
    )


def main() -> int:
    """The number of files that were out of date, at most 1 as a status."""
    page, front = ROOT / "docs" / "settings.md", ROOT / "README.md"
    wanted = {page: settings_page(), front: readme(front.read_text())}
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
