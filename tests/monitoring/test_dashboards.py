"""The dashboards are those of the code, can be told apart, and ask what can be answered.

Not tested here: how they look. No registry has a Grafana.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.definitions import (
    DASHBOARDS,
    RECORDED,
    ROOT,
    dashboard,
    expressions,
    metrics_of,
)
from tools.dashboards.__main__ import generated
from tools.dashboards.service import SERVICES

BOARDS = {path.stem: dashboard(path) for path in DASHBOARDS}
# A ConfigMap holds at most 1 MiB, and Grafana's others want room as well.
MOST_BYTES = 600_000

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Without the rows."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def test_are_those_of_the_code() -> None:
    files = generated()

    assert set(files) == set(DASHBOARDS)
    assert {path.name for path, text in files.items() if path.read_text() != text} == set()


def test_fit_a_config_map() -> None:
    assert sum(path.stat().st_size for path in DASHBOARDS) < MOST_BYTES


def test_can_be_told_apart() -> None:
    uids = [board["uid"] for board in BOARDS.values()]
    titles = [board["title"] for board in BOARDS.values()]

    assert len(set(uids)) == len(set(titles)) == len(BOARDS)


def test_there_is_one_for_each_service() -> None:
    values = yaml.safe_load((ROOT / "charts" / "harena" / "values.yaml").read_text())

    assert set(SERVICES) == set(values["services"])
    assert set(SERVICES) < set(BOARDS)


def test_the_overview_has_a_figure_for_each_question() -> None:
    found: dict[str, list[str]] = {}
    for panel in BOARDS["overview"]["panels"]:
        if panel["type"] == "row":
            row = found.setdefault(panel["title"], [])
        else:
            row.append(panel["type"])

    questions = {title: kinds for title, kinds in found.items() if title.endswith("?")}
    assert list(questions) == ["Is it up?", "Is it slow?", "Is it full?", "Is it wrong?"]
    assert all(kinds.count("stat") == 1 for kinds in questions.values())


@each_board
class TestBoards:
    def test_every_panel_says_what_it_shows(self, board: dict[str, Any]) -> None:
        for panel in panels(board):
            assert panel["title"]
            if panel["type"] == "text":
                assert panel["options"]["content"]
                continue
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]

    def test_panels_lie_beside_each_other(self, board: dict[str, Any]) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert all(0 <= x < 24 for x, _ in cells), panel["title"]
            taken |= cells
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)

    def test_every_query_asks_the_one_source(self, board: dict[str, Any]) -> None:
        source = {"type": "prometheus", "uid": "prometheus"}
        for panel in panels(board):
            for target in panel.get("targets", ()):
                assert target["datasource"] == panel["datasource"] == source

    def test_every_query_is_promql(self, board: dict[str, Any]) -> None:
        asked = list(expressions(board))

        assert asked
        for expr in asked:
            recorded = {name for name in metrics_of(expr) if ":" in name}
            assert recorded - set(RECORDED) == set(), expr

    def test_leads_to_the_others_and_to_the_runbooks(self, board: dict[str, Any]) -> None:
        links = {link["title"]: link for link in board["links"]}

        assert links["Harena"]["tags"] == board["tags"] == ["harena"]
        assert links["Runbooks"]["url"].endswith("/docs/runbooks")


def test_a_runbook_is_one_click_from_an_alert() -> None:
    (table,) = (panel for panel in panels(BOARDS["overview"]) if panel["type"] == "table")
    (override,) = table["fieldConfig"]["overrides"]

    assert override["matcher"]["options"] == "alertname"
    url = override["properties"][0]["value"][0]["url"].replace("${__value.raw}", "RedisDown")
    assert (ROOT / url.partition("/blob/main/")[2]).is_file()


def test_no_file_is_of_nobody() -> None:
    assert {path.parent for path in DASHBOARDS} == {Path(ROOT, "monitoring/grafana/dashboards")}
