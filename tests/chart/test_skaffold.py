"""skaffold.yaml: valid by skaffold's own schema, and complete."""

import json
import re

import jsonschema
import pytest
import yaml
from tests.chart.conftest import ROOT, Render, Values

CONFIG = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
[RELEASE] = CONFIG["deploy"]["helm"]["releases"]
ARTIFACTS = {artifact["image"]: artifact for artifact in CONFIG["build"]["artifacts"]}


def test_is_valid() -> None:
    schema = json.loads((ROOT / "tests" / "chart" / "skaffold-v4beta13.json").read_text())

    jsonschema.Draft7Validator(schema).validate(CONFIG)


def test_builds_every_member_that_has_an_image() -> None:
    locks = {path.stem for path in (ROOT / "requirements").glob("image-*.txt")}

    assert {image.replace("harena-", "image-") for image in ARTIFACTS} == locks


@pytest.mark.parametrize("image", ARTIFACTS)
def test_builds_it_as_the_dockerfile_says(image: str) -> None:
    arguments = ARTIFACTS[image]["docker"]["buildArgs"]
    declared = set(re.findall(r"^ARG (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))

    assert set(arguments) == declared
    assert arguments["PACKAGE"] == image
    member = ROOT / arguments["MEMBER"]
    assert f'name = "{image}"\n' in (member / "pyproject.toml").read_text()


def test_deploys_what_it_builds(render: Render) -> None:
    values: Values = {}
    for path, template in RELEASE["setValueTemplates"].items():
        [image] = re.findall(r"^\{\{\.IMAGE_FULLY_QUALIFIED_harena_(\w+)\}\}$", template)
        _set(values, path, f"harena-{image}:tag@sha256:{'0' * 64}")
    for path, value in RELEASE["setValues"].items():
        _set(values, path, value)

    used = {container["image"] for pod in render(values).pods() for container in pod.containers}
    ours = {image.split(":")[0] for image in used if image.startswith("harena-")}
    assert ours == set(ARTIFACTS)
    assert len(used) == len(ours) + 2  # Postgres and Redis


def _set(values: Values, path: str, value: object) -> None:
    *folders, name = path.split(".")
    for folder in folders:
        values = values.setdefault(folder, {})
    values[name] = value
