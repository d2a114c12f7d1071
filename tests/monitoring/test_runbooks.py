"""What the commands of the runbooks name; tests/cluster runs those that can be run there."""

import re
from pathlib import Path

from tests.cluster.runbooks import INSTEAD, LOOKING, NOT_HERE, PAGES, commands, here
from tests.monitoring.definitions import ROOT

from harena_local.layout import Layout
from harena_local.state import LocalSettings

COMMANDS = [command for page in PAGES for command in commands(page)]


def test_the_cluster_is_asked_nothing_that_changes_it() -> None:
    told = [
        (verb, command)
        for command in map(here, COMMANDS)
        for verb in re.findall(r"\b(?:kubectl|helm) ((?:rollout )?[\w-]+)", command)
    ]

    assert told
    assert [
        command for verb, command in told if verb not in LOOKING and "--dry-run" not in command
    ] == []


def test_what_is_run_otherwise_or_not_at_all_is_still_there() -> None:
    assert {text for text in NOT_HERE if not any(text in command for command in COMMANDS)} == set()
    run = [command for command in COMMANDS if here(command)]
    assert {text for text in INSTEAD if not any(text in command for command in run)} == set()


def test_events_that_are_looked_for_are_logged() -> None:
    ours = re.compile(r"deployment/harena-(?:user|search|metric|budget|conversation|portal)\b.*")
    sought = {
        event
        for command in COMMANDS
        for found in ours.findall(command)
        for event in re.findall(r"(?:grep|-e|-c) ([a-z_]+)", found)
    }
    source = "".join(
        path.read_text()
        for part in ("libs", "services")
        for path in ROOT.glob(f"{part}/*/src/**/*.py")
    )

    assert sought
    assert {event for event in sought if f'"{event}"' not in source} == set()


def test_logs_of_the_embedded_platform_are_those_of_its_parts(tmp_path: Path) -> None:
    texts = [page.read_text() for page in PAGES]
    named = {name for text in texts for name in re.findall(r"harena logs ([\w-]+)", text)}

    assert named
    assert named - set(Layout(LocalSettings(harena_home=tmp_path)).parts) == set()
