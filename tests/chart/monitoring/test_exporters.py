"""The exporters of Postgres and Redis, and the login that reads nobody's row."""

import json
from pathlib import Path

import pytest
from tests.chart.conftest import Render, Values
from tests.chart.monitoring.reading import (
    components,
    jobs,
    monitoring,
)
from tests.chart.objects import environment

ELSEWHERE = {"enabled": False, "existingSecret": "mine"}


class TestExporters:
    def test_postgres_s_is_the_monitor_and_no_service(self, render: Render) -> None:
        objects = render()
        pod = objects.pod("postgres-exporter")

        assert environment(pod.main) == {
            "DATA_SOURCE_USER": "harena_monitor",
            "DATA_SOURCE_PASS_FILE": "/run/secrets/harena/password",
            "DATA_SOURCE_URI": "rel-postgres:5432/postgres?sslmode=disable&connect_timeout=3",
        }
        assert pod.files == {"password": ("rel-postgres-exporter", "password")}

    def test_its_login_is_made_with_the_services_own(self, render: Render) -> None:
        pod = render().pod("migrate")
        [bootstrap] = pod.spec["initContainers"]
        path = environment(bootstrap)["HARENA_MONITOR_PASSWORD_FILE"]

        assert pod.files[Path(path).name] == ("rel-postgres-exporter", "password")

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param(monitoring(enabled=False), id="no monitoring"),
            pytest.param(monitoring(exporters={"postgres": {"enabled": False}}), id="no exporter"),
        ],
    )
    def test_without_it_there_is_no_such_login(self, render: Render, values: Values) -> None:
        objects = render(values)
        [bootstrap] = objects.pod("migrate").spec["initContainers"]

        assert "HARENA_MONITOR_PASSWORD_FILE" not in environment(bootstrap)
        assert ("Secret", "rel-postgres-exporter") not in objects

    def test_redis_s_finds_its_password_by_the_address(self, render: Render) -> None:
        objects = render()
        pod = objects.pod("redis-exporter")
        told = environment(pod.main)
        secret, key = pod.files["exporter.json"]
        given = objects["Secret", secret]["stringData"]

        assert told["REDIS_PASSWORD_FILE"] == "/run/secrets/harena/exporter.json"
        assert json.loads(given[key]) == {told["REDIS_ADDR"]: given["password"]}
        assert told["REDIS_ADDR"] == "redis://rel-redis:6379"

    @pytest.mark.parametrize(
        ("store", "values", "runs"),
        [
            pytest.param("postgres", {"database": ELSEWHERE}, False, id="postgres elsewhere"),
            pytest.param(
                "postgres",
                {
                    "database": ELSEWHERE,
                    **monitoring(
                        exporters={"postgres": {"address": "db/postgres", "existingSecret": "x"}}
                    ),
                },
                True,
                id="postgres elsewhere, with a login",
            ),
            pytest.param(
                "postgres", {"database": {"existingSecret": "mine"}}, True, id="its Secret given"
            ),
            pytest.param(
                "postgres", {"migrate": {"bootstrapRoles": False}}, False, id="nobody makes a login"
            ),
            pytest.param("redis", {"redis": ELSEWHERE}, False, id="redis elsewhere"),
            pytest.param(
                "redis",
                {
                    "redis": ELSEWHERE,
                    **monitoring(
                        exporters={"redis": {"address": "rediss://r", "existingSecret": "x"}}
                    ),
                },
                True,
                id="redis elsewhere, with a login",
            ),
            pytest.param(
                "redis", {"redis": {"existingSecret": "mine"}}, False, id="password not known"
            ),
            pytest.param(
                "redis",
                {
                    "redis": {"existingSecret": "mine"},
                    **monitoring(exporters={"redis": {"existingSecret": "mine"}}),
                },
                True,
                id="password given",
            ),
        ],
    )
    def test_run_where_they_can_log_in(
        self, render: Render, store: str, values: Values, runs: bool
    ) -> None:
        objects = render(values)

        assert (f"{store}-exporter" in components(objects)) is runs
        assert (store in jobs(objects)) is runs

    def test_go_to_a_store_elsewhere(self, render: Render) -> None:
        objects = render({}, "external")
        told = {
            **environment(objects.pod("postgres-exporter").main),
            **environment(objects.pod("redis-exporter").main),
        }

        assert told["DATA_SOURCE_URI"] == "db.example.com:5432/postgres?sslmode=require"
        assert told["REDIS_ADDR"] == "rediss://cache.example.com:6379"
        assert {
            ("postgres-exporter", "10.9.0.0/24", 5432),
            ("redis-exporter", "0.0.0.0/0", 6379),
        } <= objects.edges()
