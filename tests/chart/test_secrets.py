"""The generated Secrets, and those that are given instead.

That an upgrade and an uninstall keep them is shown on a cluster: without one helm looks nothing up.
"""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import yaml
from redis import Redis
from sqlalchemy import make_url
from tests.chart.conftest import CHART, KUBERNETES, Render, objects_of
from tests.chart.objects import Objects

from harena_core import keys
from harena_core.db import asyncpg_url
from harena_core.testing import free_port
from harena_db.roles import ROLES
from harena_local.valkey import Valkey

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

        assert given["password.conf"] == f'requirepass "{url.password}"'
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


@pytest.fixture(scope="module", params=['Harena #1: "5 %+é\\', "0123456789"], ids=["any", "digits"])
def typed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Objects]:
    """A password that a person has put into each Secret, and the objects then.

    Nothing can be looked up here, so the template that does it says the password itself.
    """
    chart = tmp_path_factory.mktemp("typed") / "harena"
    shutil.copytree(CHART, chart)
    # Of templates of one name helm takes the first by the alphabet.
    looked_up = f'{{{{ define "harena.made" }}}}{{{{ `{request.param}` }}}}{{{{ end }}}}'
    (chart / "templates" / "_looked-up.tpl").write_text(looked_up)
    values = yaml.safe_dump({"demo": {"enabled": True}})
    return request.param, objects_of(values, (), KUBERNETES[0], chart)


class TestTyped:
    """A kept Secret may hold what somebody has put there since."""

    def test_stays_as_it_is(self, typed: tuple[str, Objects]) -> None:
        password, objects = typed
        found = [
            value
            for name in objects.of("Secret")
            for key, value in content(objects, name).items()
            if key.endswith(("password", "secret-key"))
        ]

        assert len(found) == len(ROLES) + 7
        assert set(found) == {password}
        address, told = json.loads(content(objects, "rel-redis")["exporter.json"]).popitem()
        assert (address, told) == ("redis://rel-redis:6379", password)

    def test_opens_the_database_as_services_read_it(self, typed: tuple[str, Objects]) -> None:
        password, objects = typed
        urls = [
            make_url(asyncpg_url(value))
            for key, value in content(objects, "rel-database").items()
            if key.endswith("-url")
        ]

        assert len(urls) == len(ROLES) + 2
        assert {(url.password, url.host, url.port) for url in urls} == {
            (password, "rel-postgres", 5432)
        }

    def test_opens_a_real_valkey(self, typed: tuple[str, Objects], tmp_path: Path) -> None:
        password, objects = typed
        given = content(objects, "rel-redis")
        server = Valkey(tmp_path, free_port(), quote(password, safe=""))
        server.configure()
        configuration = (tmp_path / "valkey.conf").read_text()
        lines = [line for line in configuration.splitlines() if "requirepass" not in line]
        (tmp_path / "valkey.conf").write_text("\n".join([*lines, given["password.conf"], ""]))

        client = Redis.from_url(given["url"])
        assert client.connection_pool.connection_kwargs["password"] == password
        with server.running(tmp_path / "valkey.log"):
            assert server.ready()


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
