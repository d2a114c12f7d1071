"""What helm prints at the end: commands that work as they are printed."""

import re
import shlex

import pytest
import yaml
from tests.chart.conftest import CHART, KUBERNETES, Render, Values, helm, template


def notes(values: Values) -> str:
    rendered = template(yaml.safe_dump(values), (), KUBERNETES[0], notes=True)
    return rendered.split("\nNOTES:\n")[1]


@pytest.fixture(scope="module")
def shown() -> str:
    return notes({})


def test_the_chart_s_page_installs_as_helm_understands_it() -> None:
    [command] = re.findall(
        r"^helm upgrade --install (.+?)\n```", (CHART / "README.md").read_text(), re.M | re.S
    )
    arguments = shlex.split(command.replace("\\\n", ""))
    arguments[arguments.index("charts/harena")] = str(CHART)

    # Without a cluster there is no release to look for.
    rendered = helm("install", "--dry-run=client", *arguments)

    assert "--rollback-on-failure" in arguments
    assert "host: harena.example.com" in rendered


class TestNotes:
    def test_commands_name_what_there_is(self, render: Render, shown: str) -> None:
        labels = {tuple(pod.labels.items()) for pod in render().pods()}
        selectors = re.findall(r"-l (\S+)", shown)
        assert selectors
        for selector in selectors:
            wanted = {tuple(part.split("=")) for part in selector.split(",")}
            assert any(wanted <= set(each) for each in labels)
        for namespace in re.findall(r"kubectl -n (\S+)", shown):
            assert namespace in {"prod", "ingress-nginx"}

    def test_which_controller_answers(self) -> None:
        shown = notes({"ingress": {"controller": "traefik"}})

        assert "kubectl -n kube-system get service" in shown

    def test_where_it_answers(self) -> None:
        by_host = notes({"ingress": {"hosts": ["a.example"]}})
        without = notes({"ingress": {"enabled": False}})

        assert "curl http://a.example/health" in by_host
        assert "port-forward service/rel-user 3000:3000" in without
        assert "curl" not in without

    def test_grafana_is_reached_through_the_api_and_its_password_asked_for(
        self, shown: str
    ) -> None:
        without = notes({"monitoring": {"grafana": {"enabled": False}}})

        assert "port-forward service/rel-grafana 3000:3000" in shown
        assert "get secret rel-grafana -o jsonpath='{.data.admin-password}'" in shown
        assert not re.search(r"[A-Za-z0-9]{32}", shown)
        assert "grafana" not in without.lower()

    def test_the_demo_s_password_is_asked_for_not_printed(self, shown: str) -> None:
        with_demo = notes({"demo": {"enabled": True}})

        assert "get secret rel-demo" in with_demo
        assert "demo" not in shown
        assert not re.search(r"[A-Za-z0-9]{32}", with_demo)
