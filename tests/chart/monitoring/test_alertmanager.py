"""Who is told of what. Whether Alertmanager takes it is tested in tests/monitoring."""

from typing import Any

import pytest
from tests.chart.conftest import Render, Values
from tests.chart.monitoring.reading import alerting, monitoring
from tests.chart.objects import Objects

EMAIL = {
    "to": "oncall@example.com",
    "from": "harena@example.com",
    "smarthost": "smtp.example.com:587",
}


def receivers(**values: Any) -> Values:
    return monitoring(alertmanager={"receivers": values})


class TestAlertmanager:
    def routes(self, objects: Objects) -> dict[str, dict[str, Any]]:
        found = alerting(objects)["route"]
        return {"": found} | {route["matchers"][0]: route for route in found["routes"]}

    def test_tells_soon_and_often_what_is_critical(self, render: Render) -> None:
        routes = self.routes(render(receivers(webhook="https://a.example/hook")))
        critical, warning = routes['severity="critical"'], routes['severity="warning"']

        assert (routes[""]["group_wait"], critical["repeat_interval"]) == ("30s", "1h")
        assert (warning["group_wait"], routes[""]["repeat_interval"]) == ("5m", "12h")
        assert "group_wait" not in critical
        assert "repeat_interval" not in warning
        assert critical["receiver"] == warning["receiver"] == routes[""]["receiver"] == "people"

    def test_without_receivers_tells_nobody(self, render: Render) -> None:
        objects = render()

        assert {route["receiver"] for route in self.routes(objects).values()} == {"nobody"}
        assert alerting(objects)["receivers"] == [{"name": "nobody"}]
        assert [edge for edge in objects.edges() if edge[0] == "alertmanager"] == []

    def test_a_heartbeat_goes_its_own_way(self, render: Render) -> None:
        objects = render(receivers(heartbeat="https://h.example/ping"))
        watchdog = self.routes(objects)['alertname="Watchdog"']
        people = render(receivers(webhook="https://a.example/hook"))

        assert watchdog["receiver"] == "heartbeat"
        assert watchdog["repeat_interval"] == "2m"
        assert self.routes(objects)[""]["receiver"] == "nobody"
        # It always fires: people must not hear of it.
        assert self.routes(people)['alertname="Watchdog"']["receiver"] == "nobody"

    def test_a_critical_alert_silences_the_warnings_of_its_service(self, render: Render) -> None:
        [rule] = alerting(render())["inhibit_rules"]

        assert rule == {
            "source_matchers": ['severity="critical"', 'service!=""'],
            "target_matchers": ['severity="warning"', 'service!=""'],
            "equal": ["service"],
        }

    @pytest.mark.parametrize(
        ("values", "name", "expected"),
        [
            pytest.param(
                {"webhook": "https://a.example/hook"},
                "webhook_configs",
                {"url": "https://a.example/hook"},
                id="a webhook",
            ),
            pytest.param({"email": EMAIL}, "email_configs", EMAIL, id="an open relay"),
            pytest.param(
                {"email": {**EMAIL, "username": "me", "existingSecret": "smtp"}},
                "email_configs",
                {
                    "auth_username": "me",
                    "auth_password_file": "/run/secrets/harena/password",
                },
                id="with a login",
            ),
        ],
    )
    def test_receivers(
        self, render: Render, values: Values, name: str, expected: dict[str, str]
    ) -> None:
        objects = render(receivers(**values))
        [people] = [one for one in alerting(objects)["receivers"] if one["name"] == "people"]

        assert set(people) == {"name", name}
        [configured] = people[name]
        assert expected.items() <= configured.items()
        login = "auth_password_file" in configured
        assert objects.pod("alertmanager").files == (
            {"password": ("smtp", "password")} if login else {}
        )

    def test_reaches_its_receivers_and_nothing_else(self, render: Render) -> None:
        objects = render({}, "everything")
        out = {edge for edge in objects.edges() if edge[0] == "alertmanager"}
        [rule] = objects.policy("alertmanager")["spec"]["egress"]

        assert out == {("alertmanager", "0.0.0.0/0", port) for port in (443, 8080, 587)}
        assert "10.0.0.0/8" in rule["to"][0]["ipBlock"]["except"]

    def test_may_have_its_receivers_at_home(self, render: Render) -> None:
        values = {
            "receivers": {"webhook": "http://10.1.2.3/hook"},
            "egress": {"cidr": "10.1.0.0/16", "ports": [8443]},
        }
        edges = render(monitoring(alertmanager=values)).edges()

        assert ("alertmanager", "10.1.0.0/16", 80) in edges
        assert ("alertmanager", "10.1.0.0/16", 8443) in edges

    def test_takes_a_whole_configuration(self, render: Render) -> None:
        objects = render({}, "external")
        pod = objects.pod("alertmanager")
        [volume] = [volume for volume in pod.spec["volumes"] if volume["name"] == "configuration"]

        assert volume["secret"]["secretName"] == "harena-alerts"
        assert ("Secret", "rel-alertmanager") not in objects
        assert ("alertmanager", "0.0.0.0/0", 443) in objects.edges()
        assert "annotations" not in pod.owner["spec"]["template"]["metadata"]

    def test_restarts_when_its_configuration_changes(self, render: Render) -> None:
        def template(values: Values) -> object:
            return render(values).pod("alertmanager").owner["spec"]["template"]["metadata"]

        assert template({}) != template(receivers(webhook="https://a.example/hook"))
