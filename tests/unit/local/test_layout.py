"""The table of parts, and the supervisor's configuration made from it."""

import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest

from harena_db import roles
from harena_edge import model
from harena_local.layout import MONITOR, ROLES, SERVICES, Layout
from harena_local.state import LocalSettings
from harena_local.supervisor import configuration


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(LocalSettings(harena_home=tmp_path / "my home", harena_port_offset=100))
    layout.state.make_folders()
    return layout


@pytest.fixture
def parsed(layout: Layout) -> RawConfigParser:
    """The configuration as supervisord reads it."""
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=True)
    text = configuration(layout.state, [part.program for part in layout.parts.values()])
    parser.read_string(text.replace("%%", "%"))  # as its own expansion would
    return parser


class TestLayout:
    def test_has_a_login_for_each_role_of_the_schema_and_no_other(self) -> None:
        assert sorted(ROLES) == sorted(roles.ROLES)
        assert MONITOR == roles.MONITOR
        assert MONITOR == roles.MONITOR

    def test_runs_every_service_that_the_edge_routes_to(self) -> None:
        assert {service.name for service in SERVICES} == model.load().services

    def test_is_on_the_documented_ports_moved_by_the_offset(self, layout: Layout) -> None:
        assert {
            name: [port - 100 for port in part.ports] for name, part in layout.parts.items()
        } == {
            "postgres": [5432],
            "valkey": [6379],
            "user": [3000],
            "search": [3001],
            "metric": [3002],
            "budget": [3006],
            "conversation": [3008],
            "portal": [3010, 3011],
            "edge": [8080],
            "postgres-exporter": [9187],
            "redis-exporter": [9121],
            "node-exporter": [9100],
            "prometheus": [9090],
        }

    def test_gives_the_signing_key_to_the_user_service_alone(self, layout: Layout) -> None:
        holders = [
            part.name
            for part in layout.parts.values()
            if "SIGNING_KEY_FILE" in part.program.environment
        ]
        assert holders == ["user"]


class TestConfiguration:
    def test_holds_no_secret(self, layout: Layout) -> None:
        layout.configure()
        layout.configure_monitoring(layout.exporters)
        text = configuration(layout.state, [part.program for part in layout.parts.values()])
        for file in layout.state.secrets.iterdir():
            assert file.read_text() not in text

    def test_restarts_everything_for_ever(self, layout: Layout, parsed: RawConfigParser) -> None:
        for name in layout.parts:
            program = parsed[f"program:{name}"]
            assert program["autorestart"] == "true"
            assert int(program["startretries"]) > 1_000_000
            assert program["killasgroup"] == "true"

    def test_says_each_command_whole(self, layout: Layout, parsed: RawConfigParser) -> None:
        for name, part in layout.parts.items():
            words = shlex.split(parsed[f"program:{name}"]["command"])
            assert words[words.index("--") + 1 :] == list(part.program.argv)

    def test_stops_postgres_fast_and_after_what_uses_it(self, parsed: RawConfigParser) -> None:
        assert parsed["program:postgres"]["stopsignal"] == "INT"
        groups = [name.removeprefix("group:") for name in parsed if name.startswith("group:")]
        order = sorted(groups, key=lambda kind: int(parsed[f"group:{kind}"]["priority"]))
        assert order == ["store", "service", "edge", "monitoring"]

    def test_starts_everything_but_what_is_asked_for(self, parsed: RawConfigParser) -> None:
        programs = [name for name in parsed if name.startswith("program:")]
        asked_for = [name for name in programs if parsed[name]["autostart"] == "false"]
        assert asked_for == [
            f"program:{name}"
            for name in ("postgres-exporter", "redis-exporter", "node-exporter", "prometheus")
        ]
