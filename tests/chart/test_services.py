"""The pods of the services: what they are told, what they are given, how they come and go."""

import pytest
from tests.chart.conftest import Render
from tests.chart.monitoring.reading import expected
from tests.chart.objects import Objects, environment

from harena_budget.settings import BudgetSettings
from harena_conversation.settings import ConversationSettings
from harena_core.settings import CoreSettings
from harena_db.cli import RolePasswords
from harena_db.roles import MONITOR, ROLES
from harena_local.layout import SERVICES as LOCAL
from harena_metric.settings import MetricSettings
from harena_portal.settings import PortalSettings
from harena_search.settings import SearchSettings
from harena_user.settings import UserSettings

SETTINGS: dict[str, type[CoreSettings]] = {
    "user": UserSettings,
    "search": SearchSettings,
    "metric": MetricSettings,
    "budget": BudgetSettings,
    "conversation": ConversationSettings,
    "portal": PortalSettings,
}
STORED = [name for name in SETTINGS if name != "portal"]


class TestEveryService:
    @pytest.mark.parametrize("service", LOCAL, ids=lambda service: service.name)
    def test_is_on_its_documented_port(self, render: Render, service: object) -> None:
        name, port = getattr(service, "name"), getattr(service, "port")  # noqa: B009
        objects = render()

        assert {"name": "http", "containerPort": port} in objects.pod(name).main["ports"]
        [served] = objects["Service", f"rel-{name}"]["spec"]["ports"]
        assert served == {"name": "http", "port": port, "targetPort": "http"}

    @pytest.mark.parametrize("name", SETTINGS)
    def test_understands_what_it_is_told(self, render: Render, name: str) -> None:
        """Every variable is a setting of the service, in the form that it takes."""
        told = environment(render({"searchEngine": {"existingSecret": "engine"}}).pod(name).main)
        fields = SETTINGS[name].model_fields

        for variable in told:
            setting = variable.lower()
            known = setting in fields or setting.removesuffix("_file") in fields
            shared = setting in {"service_docs", "database_pool_size"}
            assert known or shared, variable
        plain = {name: value for name, value in told.items() if not name.endswith("_FILE")}
        files = {"database_url": "x", "redis_url": "x", "signing_key": "x", "key_set_file": "x"}
        settings = SETTINGS[name].model_validate(
            {variable.lower(): value for variable, value in plain.items()} | files
        )
        assert settings.host == "0.0.0.0"  # noqa: S104 -- a pod is reached from outside itself
        assert settings.trusted_proxies == "10.42.0.0/16"

    @pytest.mark.parametrize("name", SETTINGS)
    def test_probes(self, render: Render, name: str) -> None:
        main = render().pod(name).main
        port = "internal" if name == "portal" else "http"

        # Liveness asks no dependency: a database that blinks must not restart every pod.
        assert main["livenessProbe"]["httpGet"] == {"path": "/livez", "port": port}
        assert main["startupProbe"]["httpGet"] == {"path": "/livez", "port": port}
        assert main["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port}
        assert port in {port["name"] for port in main["ports"]}

    @pytest.mark.parametrize("name", SETTINGS)
    def test_is_replaced_without_a_gap(self, render: Render, name: str) -> None:
        pod = render().pod(name)
        told = environment(pod.main)
        assert pod.owner["spec"]["strategy"]["rollingUpdate"] == {
            "maxSurge": 1,
            "maxUnavailable": 0,
        }
        assert float(told["DRAIN_SECONDS"]) >= 5
        # How long it has is a rule of every rendering: rules.check.

    @pytest.mark.parametrize("name", SETTINGS)
    def test_gives_way_to_a_drain_of_its_node(self, render: Render, name: str) -> None:
        spec = render()["PodDisruptionBudget", f"rel-{name}"]["spec"]

        assert spec["maxUnavailable"] == 1
        assert spec["selector"]["matchLabels"].items() <= render().pod(name).labels.items()

    @pytest.mark.parametrize("name", SETTINGS)
    def test_spreads_over_nodes_and_runs_on_one(self, render: Render, name: str) -> None:
        [spread] = render().pod(name).spec["topologySpreadConstraints"]

        assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
        assert spread["labelSelector"]["matchLabels"].items() <= render().pod(name).labels.items()


class TestCredentials:
    def test_the_signing_key_is_the_user_service_s_alone(self, render: Render) -> None:
        holders = {pod.component for pod in render().pods() if "signing-key" in pod.files}

        assert holders == {"user"}

    @pytest.mark.parametrize("name", STORED)
    def test_a_service_opens_the_database_as_its_own_role(self, render: Render, name: str) -> None:
        files = render().pod(name).files

        assert files.pop("signing-key", None) == (
            ("rel-signing", "signing-key") if name == "user" else None
        )
        assert files == {
            "database-url": ("rel-database", f"{name}-url"),
            "redis-url": ("rel-redis", "url"),
            "key-set": ("rel-signing", "key-set"),
        }

    def test_the_portal_has_none(self, render: Render) -> None:
        pod = render().pod("portal")

        assert pod.files == {}
        assert "initContainers" not in pod.spec

    def test_the_search_engine_s_address_is_a_file_where_there_is_one(self, render: Render) -> None:
        given = {"existingSecret": "engine", "key": "address"}
        objects = render({"searchEngine": given})
        file = {"search-engine-url": ("engine", "address")}

        assert objects.pod("search").files == render().pod("search").files | file
        told = environment(objects.pod("search").main)
        assert told["ELASTICSEARCH_URL_FILE"] == "/run/secrets/harena/search-engine-url"
        assert "engine" not in str(objects.pod("budget").spec)
        assert "ELASTICSEARCH_URL_FILE" not in environment(render().pod("search").main)

    def test_may_all_be_in_one_secret(self, render: Render) -> None:
        mine = {"existingSecret": "mine"}
        stores = {"database": mine, "redis": mine, "signing": mine}
        pod = render({**stores, "searchEngine": {**mine, "key": "engine"}}).pod("search")

        assert pod.files == {
            "database-url": ("mine", "search-url"),
            "redis-url": ("mine", "url"),
            "key-set": ("mine", "key-set"),
            "search-engine-url": ("mine", "engine"),
        }

    def test_there_is_a_role_for_each(self, render: Render) -> None:
        holders = [pod.component for pod in render().pods() if "key-set" in pod.files]

        assert {f"harena_{name}" for name in holders} == set(ROLES)

    def test_files_are_for_the_pod_s_own_group(self, render: Render) -> None:
        for pod in render().pods():
            for volume in pod.spec.get("volumes", []):
                if volume["name"] == "credentials":
                    assert volume["projected"]["defaultMode"] == 0o440
                    assert pod.spec["securityContext"]["fsGroup"]


class TestSchema:
    @pytest.mark.parametrize("name", STORED)
    def test_is_waited_for_with_the_service_s_own_login(self, render: Render, name: str) -> None:
        pod = render({"migrate": {"waitSeconds": 42}}).pod(name)
        [waiting] = pod.spec["initContainers"]

        assert waiting["command"] == ["harena-db", "--wait", "42", "ready"]
        assert waiting["image"] == pod.main["image"]
        assert environment(waiting) == {"DATABASE_URL_FILE": "/run/secrets/harena/database-url"}


class TestPortal:
    def test_knows_where_the_services_are(self, render: Render) -> None:
        told = environment(render().pod("portal").main)
        settings = PortalSettings.model_validate(
            {name.lower(): value for name, value in told.items()}
        )

        assert dict(settings.service_urls) == {
            service.name: f"http://rel-{service.name}:{service.port}"
            for service in LOCAL
            if service.name != "portal"
        }
        assert settings.internal_port == 3011

    @pytest.mark.parametrize("enabled", [True, False])
    def test_knows_whether_docs_are_served(self, render: Render, *, enabled: bool) -> None:
        values = {"routing": {"routes": {"service-docs": {"enabled": enabled}}}}
        told = environment(render(values).pod("portal").main)

        assert (
            PortalSettings.model_validate({"service_docs": told["SERVICE_DOCS"]}).service_docs
            is enabled
        )


class TestPublicUrl:
    @pytest.mark.parametrize(
        ("values", "url"),
        [
            pytest.param({}, "", id="nothing known"),
            pytest.param({"ingress": {"hosts": ["a.example"]}}, "http://a.example", id="a host"),
            pytest.param(
                {
                    "ingress": {
                        "hosts": ["a.example", "b.example"],
                        "tls": {"enabled": True, "secretName": "x"},
                    }
                },
                "https://a.example",
                id="the first, by TLS",
            ),
            pytest.param(
                {"publicUrl": "https://c.example", "ingress": {"hosts": ["a.example"]}},
                "https://c.example",
                id="what is said",
            ),
            pytest.param(
                {"ingress": {"enabled": False, "hosts": ["a.example"]}}, "", id="no ingress"
            ),
        ],
    )
    def test_is(self, render: Render, values: dict[str, object], url: str) -> None:
        assert environment(render(values).pod("user").main)["PUBLIC_URL"] == url


class TestScale:
    def test_replicas(self, render: Render) -> None:
        objects = render({"services": {"user": {"replicas": 2}}})

        assert objects.pod("user").owner["spec"]["replicas"] == 2
        assert objects.pod("metric").owner["spec"]["replicas"] == 1
        assert objects.of("HorizontalPodAutoscaler") == {}

    def test_an_autoscaler_owns_the_number_of_pods(self, render: Render) -> None:
        """Otherwise each upgrade would undo what it chose, or fail over who owns the field."""
        objects = render(
            {
                "services": {"user": {"replicas": 2, "autoscaling": {"enabled": True, "max": 4}}},
                "database": {"settings": {"max_connections": "120"}},
            }
        )
        spec = objects["HorizontalPodAutoscaler", "rel-user"]["spec"]

        assert "replicas" not in objects.pod("user").owner["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 4)
        assert spec["scaleTargetRef"]["name"] == "rel-user"
        assert list(objects.of("HorizontalPodAutoscaler")) == ["rel-user"]

    def test_nodes(self, render: Render) -> None:
        objects = render({}, "everything")

        assert objects.pod("metric").spec["nodeSelector"] == {"size": "large"}
        assert objects.pod("metric").spec["tolerations"][0]["key"] == "large"
        assert "nodeSelector" not in objects.pod("user").spec
        assert "tolerations" not in objects.pod("user").spec


def logins(objects: Objects) -> set[str]:
    """Whom the migration gives a login: it understands what it is told."""
    [bootstrap] = objects.pod("migrate").spec["initContainers"]
    told = {name.removesuffix("_FILE").lower(): "secret" for name in environment(bootstrap)}
    return set(RolePasswords.model_validate(told).by_role()) - {MONITOR}


class TestOwnValues:
    def test_lie_over_the_defaults(self, render: Render) -> None:
        objects = render(
            {
                "serviceDefaults": {"env": {"LOG_LEVEL": "WARNING"}},
                "services": {"user": {"env": {"LOG_LEVEL": "DEBUG"}}},
            }
        )

        assert environment(objects.pod("user").main)["LOG_LEVEL"] == "DEBUG"
        assert environment(objects.pod("budget").main)["LOG_LEVEL"] == "WARNING"
        assert environment(objects.pod("user").main)["TIMEZONE"] == "Europe/Paris"

    def test_can_turn_a_default_off(self, render: Render) -> None:
        objects = render(
            {
                "serviceDefaults": {"internet": True},
                "services": {"budget": {"internet": False, "credentials": []}},
            }
        )

        assert ("user", "0.0.0.0/0", 443) in objects.edges()
        assert [edge for edge in objects.edges() if edge[0] == "budget"] == []
        assert objects.pod("budget").files == {}
        assert logins(objects) == set(ROLES) - {"harena_budget"}

    def test_can_leave_a_service_out(self, render: Render) -> None:
        objects = render(
            {
                "services": {
                    "search": None,
                    "portal": {"calls": ["user", "metric", "budget", "conversation"]},
                },
                "routing": {
                    "routes": {"search": {"enabled": False}, "service-docs": {"enabled": False}}
                },
            }
        )

        assert [key for key in objects if key[1] == "rel-search"] == []
        assert logins(objects) == set(ROLES) - {"harena_search"}
        assert "search" not in expected(objects)

    def test_resources_are_replaced_as_a_whole(self, render: Render) -> None:
        own = {"requests": {"cpu": "1", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
        limited = {**own, "limits": {"memory": "64Mi", "cpu": "2"}}
        objects = render(
            {"serviceDefaults": {"resources": limited}, "services": {"budget": {"resources": own}}}
        )

        assert objects.pod("budget").main["resources"] == own
        assert objects.pod("user").main["resources"] == limited

    def test_a_service_of_one_s_own(self, render: Render) -> None:
        objects = render({"services": {"report": {"port": 3020, "credentials": []}}})

        assert objects.pod("report").main["image"] == "ghcr.io/harena/report:0.1.0"
        assert [edge for edge in objects.edges() if "report" in edge] == [
            ("prometheus", "report", 3020)
        ]
