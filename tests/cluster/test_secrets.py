"""What a person writes into a Secret that the chart keeps is what opens the database then."""

import json

from tests.cluster.cluster import Harena, eventually
from tests.cluster.test_lifecycle import EMAIL, FIGURES

TYPED = 'Harena #1: "5 %+'


def test_a_password_is_replaced_as_the_chart_s_page_says(harena: Harena) -> None:
    password = {"stringData": {"user-password": TYPED}}
    harena.kubectl("patch", "secret", "harena-database", f"--patch={json.dumps(password)}")
    harena.kubectl("delete", "job", "--selector=app.kubernetes.io/component=migrate")
    harena.install()
    harena.kubectl("rollout", "restart", "deployment/harena-user")
    harena.kubectl("rollout", "status", "deployment/harena-user", "--timeout=120s", seconds=150)

    url = harena.execute("user", ["cat", "/run/secrets/harena/database-url"]).stdout
    assert "Harena%20%231" in url
    assert eventually(harena.serves)
    with harena.login(EMAIL, "10.46.9.1") as client:
        assert client.get(FIGURES).status_code == 200
