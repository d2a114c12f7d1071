"""The generated Secrets, and those that are given instead.

That an upgrade and an uninstall keep them is shown on a cluster: without one helm looks nothing up.
"""

import re
from urllib.parse import urlsplit

import pytest
from tests.chart.conftest import Render
from tests.chart.objects import Objects

from harena_core import keys
from harena_db.roles import ROLES

ALL = ("rel-database", "rel-redis", "rel-signing", "rel-grafana", "rel-postgres-exporter")
# Made of values at each rendering: nothing to keep.
CONFIGURATION = "rel-alertmanager"


def content(objects: Objects, name: str) -> dict[str, str]:
    found: dict[str, str] = objects["Secret", name]["stringData"]
    return found


class TestGenerated:
    def test_are_kept_when_the_release_goes(self, render: Render) -> None:
        secrets = render({"demo": {"enabled": True}}).of("Secret")

        assert set(secrets) == {*ALL, "rel-demo", CONFIGURATION}
        for name in set(secrets) - {CONFIGURATION}:
            secret = secrets[name]
            assert secret["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}

    def test_every_password_is_its_own_and_strong(self, render: Render) -> None:
        objects = render({"demo": {"enabled": True}})
        passwords = [
            value
            for name in objects.of("Secret")
            for key, value in content(objects, name).items()
            if key.endswith("password")
        ]

        assert len(set(passwords)) == len(passwords) == len(ROLES) + 6
        # So that no URL, SQL or configuration file has to quote it.
        assert all(re.fullmatch(r"[A-Za-z0-9]{32}", password) for password in passwords)

    def test_urls_agree_with_passwords_roles_and_services(self, render: Render) -> None:
        objects = render()
        given = content(objects, "rel-database")
        owners = {"administrator": ("postgres", "postgres"), "owner": ("harena", "harena")}
        users = {role.removeprefix("harena_"): (role, "harena") for role in ROLES}

        for name, (user, database) in (owners | users).items():
            url = urlsplit(given[f"{name}-url"])
            assert (url.username, url.password) == (user, given[f"{name}-password"])
            assert url.path == f"/{database}"
            assert ("Service", url.hostname) in objects
        assert len(given) == 2 * (len(owners) + len(users))

    def test_redis_takes_the_password_that_its_url_has(self, render: Render) -> None:
        objects = render()
        given = content(objects, "rel-redis")
        url = urlsplit(given["url"])

        assert given["password.conf"] == f"requirepass {url.password}"
        assert ("Service", url.hostname) in objects

    def test_the_public_keys_are_those_of_the_private_one(self, render: Render) -> None:
        given = content(render(), "rel-signing")

        [public] = keys.read_key_set(given["key-set"])
        assert public == keys.public_jwk(given["signing-key"])
        assert keys.sign({"sub": "1"}, given["signing-key"])

    def test_the_next_installation_has_others(self, render: Render) -> None:
        # Another value, so that this is another rendering.
        first, second = render(), render({"priorityClasses": {"enabled": False}})

        for name in ALL:
            assert set(content(first, name).values()).isdisjoint(content(second, name).values())


class TestGiven:
    def test_nothing_is_generated(self, render: Render) -> None:
        assert render({}, "external").of("Secret") == {}

    def test_every_pod_reads_them(self, render: Render) -> None:
        objects = render({}, "external")
        used = {secret for pod in objects.pods() for secret, _ in pod.files.values()}

        assert used == {
            "harena-postgres",
            "harena-redis",
            "harena-keys",
            "harena-grafana",
            "harena-monitor",
        }

    @pytest.mark.parametrize("store", ["database", "redis"])
    def test_for_a_store_in_the_cluster(self, render: Render, store: str) -> None:
        objects = render({store: {"existingSecret": "mine"}})
        name = {"database": "postgres", "redis": "redis"}[store]

        assert f"rel-{store}" not in objects.of("Secret")
        assert {secret for secret, _ in objects.pod(name).files.values()} == {"mine"}
        assert {secret for secret, _ in objects.pod("user").files.values()} >= {"mine"}

    def test_for_the_demo(self, render: Render) -> None:
        objects = render({"demo": {"enabled": True, "existingSecret": "mine"}})

        assert objects.pod("demo").files["password"] == ("mine", "password")
        assert "rel-demo" not in objects.of("Secret")
