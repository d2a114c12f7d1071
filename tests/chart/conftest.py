"""The chart, rendered by the real helm: values in, objects out.

Always the whole chart, because helm hides errors of what it is not asked to show. Every object is
checked against the schemas of Kubernetes, strictly: a key that the API would drop is an error here.
What a cluster makes of the objects is not tested here.
"""

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from kubernetes_validate import utils
from pydantic_settings import BaseSettings
from tests.chart.objects import Objects

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "harena"
RELEASE = "rel"
NAMESPACE = "prod"
# The oldest that the chart takes, to the newest whose schemas there are.
KUBERNETES = ("1.34", "1.35", "1.36", "1.37")
# Kubernetes brings no schema for these.
CUSTOM = {"cert-manager.io/v1"}

# It lists its versions and reads 1.5 MB of definitions for each object: 2 s a rendering, not 0.3.
utils.all_versions = cache(utils.all_versions)
utils.schema_contents = cache(utils.schema_contents)

Values = dict[str, Any]
Render = Callable[..., Objects]


class HelmError(Exception):
    """What helm says to whoever uses the chart."""


class ChartTestSettings(BaseSettings):
    """Where helm is: `make install` puts it there."""

    helm: Path = ROOT / ".harena" / "bin" / "helm"


def helm(*arguments: str, stdin: str = "") -> str:
    """Runs helm; its output. Raises HelmError."""
    done = subprocess.run(
        [ChartTestSettings().helm, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        raise HelmError(done.stderr)
    return done.stdout


def template(
    values: str,
    files: tuple[str, ...],
    kubernetes: str,
    *,
    notes: bool = False,
    chart: Path = CHART,
) -> str:
    # A dry run renders the notes as well; neither speaks to a cluster.
    command = ["install", "--dry-run=client"] if notes else ["template"]
    command += [RELEASE, str(chart), "--namespace", NAMESPACE]
    for source in (*(str(chart / "ci" / f"{file}-values.yaml") for file in files), "-"):
        command += ["--values", source]
    if not notes:
        command += ["--kube-version", f"{kubernetes}.0"]
    return helm(*command, stdin=values)


@cache
def validate(found: str, kubernetes: str) -> None:
    """Each object once: most are the same from one rendering to the next."""
    kubernetes_validate.validate(json.loads(found), kubernetes, strict=True)


@cache
def objects_of(
    values: str, files: tuple[str, ...], kubernetes: str, chart: Path = CHART
) -> Objects:
    rendered = template(values, files, kubernetes, chart=chart)
    objects = [found for found in yaml.load_all(rendered, yaml.CSafeLoader) if found]
    for found in objects:
        if found["apiVersion"] not in CUSTOM:
            validate(json.dumps(found, sort_keys=True), kubernetes)
    return Objects(objects)


@pytest.fixture(scope="session")
def render() -> Render:
    """`render(values, "everything")`: values over those of ci/everything-values.yaml.

    The objects are shared among the tests: none may change them.
    """

    def _render(
        values: Values | None = None, *files: str, kubernetes: str = KUBERNETES[0]
    ) -> Objects:
        return objects_of(yaml.safe_dump(values or {}), files, kubernetes)

    return _render


@pytest.fixture(scope="session")
def defaults() -> Values:
    """values.yaml."""
    found: Values = yaml.safe_load((CHART / "values.yaml").read_text())
    return found
