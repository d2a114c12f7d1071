"""Write what the chart's `values.schema.yaml` generates: the JSON that helm reads, and the table.

python tools/generate_schema.py [--check]
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "charts" / "harena"
JSON = CHART / "values.schema.json"
README = CHART / "README.md"
BEGIN, END = "<!-- values -->\n", "<!-- /values -->\n"

Schema = dict[str, Any]


def _without_descriptions(node: Any) -> Any:
    """Drops `description` keywords, but keeps a *property* that happens to be called that."""
    if isinstance(node, list):
        return [_without_descriptions(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _without_descriptions(child) for name, child in value.items()}
        if key in {"properties", "definitions"}
        else _without_descriptions(value)
        for key, value in node.items()
        if key != "description"
    }


def described(schema: Schema, values: Any, root: Schema) -> Iterator[tuple[str, Any, str]]:
    """Every value as its path, its default and its description, in the schema's order.

    The table stops at maps with names of one's own, and at resources, which are replaced whole.
    """
    for name, child in schema.get("properties", {}).items():
        target = _resolved(child, root)
        default = values.get(name) if isinstance(values, dict) else None
        description = child.get("description", target.get("description", ""))
        is_open = isinstance(target.get("additionalProperties"), dict)
        if "properties" not in target or "requests" in target["properties"] or is_open:
            yield name, default, description
            continue
        yield name, None, description
        for path, value, said in described(target, default, root):
            yield f"{name}.{path}", value, said


def _resolved(schema: Schema, root: Schema) -> Schema:
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            found: Schema = root["definitions"][part["$ref"].rsplit("/", 1)[-1]]
            return found
    return schema


def schema_json(source: Schema) -> str:
    """The content of values.schema.json."""
    return json.dumps(_without_descriptions(source), indent=2) + "\n"


def table(source: Schema, values: Any) -> str:
    """The table of values, in Markdown."""
    lines = ["| value | default | what it is |", "| --- | --- | --- |"]
    for path, default, description in described(source, values, source):
        shown = "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
        if path == "services":
            shown = ", ".join(f"`{name}`" for name in default)
        said = " ".join(description.split()).replace("|", "\\|")
        lines.append(f"| `{path}` | {shown} | {said} |")
    return "\n".join(lines) + "\n"


def generated() -> dict[Path, str]:
    """Every generated file, with what it should hold."""
    source = yaml.safe_load((CHART / "values.schema.yaml").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    readme = f"{before}{BEGIN}{table(source, values)}{END}{after}"
    return {JSON: schema_json(source), README: readme}


def main() -> None:
    for path, content in generated().items():
        if "--check" not in sys.argv:
            path.write_text(content, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != content:
            sys.exit(f"{path.relative_to(CHART.parents[1])} is not current: run `make chart`")


if __name__ == "__main__":
    main()
