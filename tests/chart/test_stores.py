"""Postgres and Redis in the cluster, and the Jobs that fill the database."""

import re

import pytest
from tests.chart.conftest import CHART, Render, Values
from tests.chart.objects import environment

from harena_db.roles import ROLES
from harena_local.postgres import LOGGED

STORES = ["postgres", "redis"]
KEYS = {"postgres": "database", "redis": "redis"}


class TestStorage:
    @pytest.mark.parametrize("store", STORES)
    def test_outlives_the_release(self, render: Render, store: str) -> None:
        claim = render()["PersistentVolumeClaim", f"rel-{store}"]

        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
        assert "storageClassName" not in claim["spec"]

    @pytest.mark.parametrize("store", STORES)
    def test_is_what_the_pod_mounts(self, render: Render, store: str) -> None:
        volumes = {volume["name"]: volume for volume in render().pod(store).spec["volumes"]}

        assert volumes["data"]["persistentVolumeClaim"]["claimName"] == f"rel-{store}"

    @pytest.mark.parametrize("store", STORES)
    def test_can_be_of_a_class_or_a_claim_of_one_s_own(self, render: Render, store: str) -> None:
        classed = render({KEYS[store]: {"storage": {"className": "retain", "size": "3Gi"}}})
        claimed = render({KEYS[store]: {"storage": {"existingClaim": "mine"}}})

        spec = classed["PersistentVolumeClaim", f"rel-{store}"]["spec"]
        assert spec["storageClassName"] == "retain"
        assert spec["resources"]["requests"]["storage"] == "3Gi"
        assert f"rel-{store}" not in claimed.of("PersistentVolumeClaim")
        assert "mine" in str(claimed.pod(store).spec["volumes"])

    @pytest.mark.parametrize("store", STORES)
    def test_has_one_writer(self, render: Render, store: str) -> None:
        assert render().pod(store).owner["spec"]["replicas"] == 1


class TestPostgres:
    def test_keeps_its_data_where_the_volume_is(self, render: Render) -> None:
        """The image of Postgres 18 has its data below the mount, not at it."""
        main = render().pod("postgres").main
        mounts = {mount["name"]: mount["mountPath"] for mount in main["volumeMounts"]}

        assert mounts["data"] == "/var/lib/postgresql"
        assert environment(main)["PGDATA"] == "/var/lib/postgresql/18/docker"

    def test_asks_everybody_for_a_password(self, render: Render) -> None:
        told = environment(render().pod("postgres").main)

        assert "--auth=scram-sha-256" in told["POSTGRES_INITDB_ARGS"]
        assert told["POSTGRES_PASSWORD_FILE"] == "/run/secrets/harena/administrator-password"
        assert "POSTGRES_HOST_AUTH_METHOD" not in told

    def test_sorts_alike_on_every_image(self, render: Render) -> None:
        arguments = environment(render().pod("postgres").main)["POSTGRES_INITDB_ARGS"].split()

        assert {"--locale-provider=builtin", "--builtin-locale=C.UTF-8"} <= set(arguments)

    def test_writes_only_where_it_may(self, render: Render) -> None:
        mounts = {m["mountPath"] for m in render().pod("postgres").main["volumeMounts"]}

        assert {"/tmp", "/var/run/postgresql", "/dev/shm"} <= mounts  # noqa: S108 -- in the pod

    def test_makes_the_owner_at_its_first_start(self, render: Render) -> None:
        script = render()["ConfigMap", "rel-postgres"]["data"]["10-owner.sh"]

        assert script.rstrip() == (CHART / "files" / "init-database.sh").read_text().rstrip()
        [path] = re.findall(r"`cat (\S+)`", script)
        assert path.removeprefix("/run/secrets/harena/") in render().pod("postgres").files

    def test_takes_settings(self, render: Render) -> None:
        arguments = (
            render({"database": {"settings": {"work_mem": "8MB"}}}).pod("postgres").main["args"]
        )

        assert arguments[::2] == ["-c"] * (len(arguments) // 2)
        assert {"work_mem=8MB", "max_connections=100"} <= set(arguments)

    def test_logs_what_an_embedded_server_logs(self, render: Render) -> None:
        arguments = render().pod("postgres").main["args"]

        assert {f"{name}={value}" for name, value in LOGGED.items()} <= set(arguments)

    def test_is_not_ready_before_it_listens(self, render: Render) -> None:
        """During the first start a server listens on the socket alone."""
        main = render().pod("postgres").main
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert "127.0.0.1" in main[probe]["exec"]["command"]


class TestRedis:
    def test_reads_its_password_from_a_file(self, render: Render) -> None:
        objects = render()
        lines = objects["ConfigMap", "rel-redis"]["data"]["redis.conf"].splitlines()

        assert "include /run/secrets/harena/password.conf" in lines
        assert objects.pod("redis").main["args"] == ["/etc/redis/redis.conf"]
        assert "password.conf" in objects.pod("redis").files
        assert not any(line.startswith("requirepass") for line in lines)

    def test_restarts_when_its_configuration_changes(self, render: Render) -> None:
        def checksum(values: Values) -> object:
            template = render(values).pod("redis").owner["spec"]["template"]
            return template["metadata"]["annotations"]

        assert checksum({}) != checksum({"redis": {"maxMemory": "32mb"}})

    def test_holds_less_than_its_limit(self, render: Render) -> None:
        objects = render()
        configuration = objects["ConfigMap", "rel-redis"]["data"]["redis.conf"]
        [kept] = re.findall(r"^maxmemory (\d+)mb$", configuration, re.MULTILINE)
        limit = objects.pod("redis").main["resources"]["limits"]["memory"]

        assert int(kept) * 1.5 <= int(limit.removesuffix("Mi"))


class TestElsewhere:
    @pytest.mark.parametrize("store", STORES)
    def test_leaves_nothing_here(self, render: Render, store: str) -> None:
        objects = render({KEYS[store]: {"enabled": False, "existingSecret": "mine"}})

        assert [key for key in objects if key[1].startswith(f"rel-{store}")] == []

    def test_is_where_the_policies_let_pass(self, render: Render) -> None:
        edges = render({}, "external").edges()

        assert ("user", "10.9.0.0/24", 5432) in edges
        assert ("migrate", "10.9.0.0/24", 5432) in edges
        assert ("user", "0.0.0.0/0", 6379) in edges
        assert ("portal", "10.9.0.0/24", 5432) not in edges


class TestMigration:
    def test_makes_roles_then_the_schema(self, render: Render) -> None:
        pod = render().pod("migrate")
        [bootstrap] = pod.spec["initContainers"]

        assert bootstrap["command"] == ["harena-db", "--wait", "300", "bootstrap"]
        assert pod.main["command"] == ["harena-db", "--wait", "300", "upgrade"]
        assert environment(bootstrap)["DATABASE_URL_FILE"].endswith("/administrator-url")
        assert environment(pod.main)["DATABASE_URL_FILE"].endswith("/owner-url")
        assert {f"{role.upper()}_PASSWORD_FILE" for role in ROLES} < environment(bootstrap).keys()

    def test_without_roles_needs_no_administrator(self, render: Render) -> None:
        pod = render({"migrate": {"bootstrapRoles": False}}).pod("migrate")

        assert "initContainers" not in pod.spec
        assert pod.files == {"owner-url": ("rel-database", "owner-url")}

    @pytest.mark.parametrize(
        "values",
        [
            {"image": {"tag": "2.0.0"}},
            {"migrate": {"image": "other/db:1"}},
        ],
    )
    def test_what_it_runs_is_in_its_name(self, render: Render, values: Values) -> None:
        """A Job cannot be changed: with the old name an upgrade would fail."""
        assert set(render(values).of("Job")).isdisjoint(render().of("Job"))

    @pytest.mark.parametrize(
        "values",
        [
            {"services": {"user": {"replicas": 2}}},
            # This may change while the Job runs.
            {"migrate": {"deadlineSeconds": 60}},
        ],
    )
    def test_the_same_again_is_the_same_job(self, render: Render, values: Values) -> None:
        assert set(render(values).of("Job")) == set(render().of("Job"))

    def test_is_no_hook(self, render: Render) -> None:
        """A hook would run before the database of a first install, and block what it waits for."""
        for found in render({}, "everything").values():
            assert not any("hook" in name for name in found["metadata"].get("annotations", {}))

    def test_ends(self, render: Render) -> None:
        spec = render({}, "everything").one("Job", "everything-migrate")["spec"]

        assert spec["backoffLimit"] == 3
        assert spec["activeDeadlineSeconds"] == 900
        assert spec["template"]["spec"]["restartPolicy"] == "Never"


class TestDemo:
    def test_is_never_loaded_by_itself(self, render: Render) -> None:
        assert [key for key in render() if "demo" in key[1]] == []

    def test_waits_for_the_schema_and_has_a_password_of_its_own(self, render: Render) -> None:
        pod = render({"demo": {"enabled": True}}).pod("demo")
        [waiting] = pod.spec["initContainers"]

        assert waiting["command"] == ["harena-db", "--wait", "300", "ready"]
        assert pod.main["command"] == ["harena-demo"]
        assert environment(pod.main) == {
            "DATABASE_URL_FILE": "/run/secrets/harena/owner-url",
            "DEMO_PASSWORD_FILE": "/run/secrets/harena/password",
            "TIMEZONE": "Europe/Paris",
        }
        assert pod.files == {
            "owner-url": ("rel-database", "owner-url"),
            "password": ("rel-demo", "password"),
        }

    def test_goes_where_the_migration_goes_and_ends_when_it_would(self, render: Render) -> None:
        node = {"nodeSelector": {"size": "large"}, "tolerations": [{"key": "large"}]}
        objects = render({"demo": {"enabled": True}, "migrate": {**node, "deadlineSeconds": 60}})
        for component in ("demo", "migrate"):
            pod = objects.pod(component)
            assert node.items() <= pod.spec.items()
            assert pod.owner["spec"]["activeDeadlineSeconds"] == 60

    def test_what_it_runs_is_in_its_name(self, render: Render) -> None:
        def name(**values: object) -> str:
            demo = {"enabled": True, **values}
            [found] = [each for each in render({"demo": demo}).of("Job") if "demo" in each]
            return found

        assert name(image="other/demo:1") != name()

    def test_lives_on_the_same_day_as_the_services(self, render: Render) -> None:
        objects = render({}, "everything")

        assert environment(objects.pod("demo").main)["TODAY"] == "2026-11-22"
        assert environment(objects.pod("metric").main)["TODAY"] == "2026-11-22"
