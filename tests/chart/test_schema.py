"""values.yaml, its schema in YAML, the schema that helm reads and the table are one contract."""

import runpy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.chart.conftest import CHART, ROOT, HelmError, Render, Values

from harena_db.roles import ROLES

SCHEMA = yaml.safe_load((CHART / "values.schema.yaml").read_text())


def objects_of(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below, itself included, that is one of an object."""
    if schema.get("type") == "object":
        yield path, schema
    for name, child in {**schema.get("properties", {}), **schema.get("definitions", {})}.items():
        yield from objects_of(child, f"{path}.{name}" if path else name)


class TestContract:
    def test_what_is_generated_is_current(self) -> None:
        tool = runpy.run_path(str(ROOT / "tools" / "generate_schema.py"))

        for path, content in tool["generated"]().items():
            assert path.read_text() == content, f"{path.name}: run `make chart`"

    def test_every_object_is_closed_or_says_what_it_holds(self) -> None:
        open_ones = [
            path
            for path, schema in objects_of(SCHEMA, "")
            if schema.get("additionalProperties", True) is True
        ]

        assert open_ones == []

    def test_every_value_is_described(self) -> None:
        tool = runpy.run_path(str(ROOT / "tools" / "generate_schema.py"))
        values = yaml.safe_load((CHART / "values.yaml").read_text())

        undescribed = [
            path for path, _, said in tool["described"](SCHEMA, values, SCHEMA) if not said
        ]

        assert undescribed == []

    def test_every_value_has_a_default_and_must_be_there(self, defaults: Values) -> None:
        assert set(SCHEMA["properties"]) == set(defaults) == set(SCHEMA["required"])
        everything = SCHEMA["definitions"]["service"]["properties"]
        [_, required] = SCHEMA["properties"]["serviceDefaults"]["allOf"]
        assert set(everything) == set(defaults["serviceDefaults"]) == set(required["required"])


def service(**values: Any) -> Values:
    return {"services": {"budget": values}}


def route(**values: Any) -> Values:
    return {"routing": {"routes": {"budget": values}}}


class TestRefused:
    """By the schema, where one value is wrong by itself."""

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            pytest.param({"replicas": 2}, "'replicas' not allowed", id="an unknown key"),
            pytest.param(service(replica=2), "'replica' not allowed", id="a misspelt key"),
            pytest.param(service(replicas=0), "budget/replicas", id="no pod"),
            pytest.param(service(port=80), "budget/port", id="a port that needs root"),
            pytest.param(service(internalPort=80), "budget/internalPort", id="internal likewise"),
            pytest.param(service(drainSeconds=2), "budget/drainSeconds", id="cut requests"),
            pytest.param(service(image="repo/budget:latest"), "budget/image", id="latest"),
            pytest.param(service(image="repo/budget"), "budget/image", id="no tag at all"),
            pytest.param({"image": {"tag": "latest"}}, "image/tag", id="latest for all"),
            pytest.param(service(credentials=["root"]), "budget/credentials", id="no such thing"),
            pytest.param(
                service(resources={"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {}}),
                "missing property 'memory'",
                id="no limit of memory",
            ),
            pytest.param(
                {"redis": {"maxMemory": "0mb"}}, "redis/maxMemory", id="memory without a bound"
            ),
            pytest.param({"ingress": {"podCidr": ":/999"}}, "ingress/podCidr", id="no network"),
            pytest.param(
                {"searchEngine": {"egress": {"ports": []}}}, "egress/ports", id="no port to go to"
            ),
            pytest.param(
                service(env={"ELASTICSEARCH_URL": "x"}),
                "propertyName .ELASTICSEARCH_URL",
                id="the engine's password as env",
            ),
            pytest.param(
                service(env={"DATABASE_URL": "x"}),
                "propertyName .DATABASE_URL",
                id="a secret as env",
            ),
            pytest.param(
                service(env={"LLM_API_KEY": "x"}), "propertyName .LLM_API_KEY", id="another secret"
            ),
            pytest.param(
                service(env={"PORT": "1"}), "propertyName .PORT", id="what the chart says itself"
            ),
            pytest.param(service(env={"DEBUG": True}), "budget/env/DEBUG", id="not a string"),
            pytest.param(
                route(timeouts={"read": "60s"}), "timeouts/read", id="a time-out with a unit"
            ),
            pytest.param(route(rate="thirty"), "budget/rate", id="a rate in words"),
            pytest.param(route(burst=0), "budget/burst", id="a burst that nginx refuses"),
            pytest.param(route(connections=0), "budget/connections", id="nobody at once"),
            pytest.param(route(body_limit="10m"), "body_limit", id="a size with a unit"),
            pytest.param(route(snippet="x"), "'snippet' not allowed", id="a snippet"),
            pytest.param(
                {"routing": {"cors": {"origins": ["app.example.com"]}}},
                "cors/origins",
                id="an origin without scheme",
            ),
            pytest.param(
                {"routing": {"cors": {"credentials": True}}},
                "'credentials' not allowed",
                id="credentials",
            ),
            pytest.param(
                {"routing": {"security_headers": {}}},
                "'security_headers' not allowed",
                id="headers, which are the controller's",
            ),
            pytest.param(
                {"ingress": {"controller": "haproxy"}}, "ingress/controller", id="another edge"
            ),
            pytest.param(
                {"ingress": {"hosts": ["https://x.example"]}}, "ingress/hosts", id="a host as URL"
            ),
            pytest.param({"publicUrl": "harena.example"}, "publicUrl", id="a URL without scheme"),
            pytest.param(
                {"redis": {"external": {"cidr": "169.254.169.254/32"}}},
                "external/cidr",
                id="the metadata service",
            ),
            pytest.param(
                {"database": {"external": {"cidr": "128.0.0.0/1"}}},
                "external/cidr",
                id="a network with the metadata service in it",
            ),
            pytest.param(
                {"database": {"settings": {"max_connections": 100}}},
                "max_connections",
                id="a number where Postgres reads text",
            ),
            pytest.param(
                {"monitoring": {"prometheus": {"edge": {"target": "a.example"}}}},
                "edge/target",
                id="a probe without scheme",
            ),
            pytest.param(
                {"monitoring": {"prometheus": {"enabled": False}}},
                "'enabled' not allowed",
                id="monitoring without Prometheus",
            ),
            pytest.param(
                {"monitoring": {"prometheus": {"nodes": {"cidr": "169.254.169.254/32"}}}},
                "nodes/cidr",
                id="nodes at the metadata service's",
            ),
            pytest.param({"serviceDefaults": {"port": None}}, "'port'", id="a default taken out"),
        ],
    )
    def test_by_the_schema(self, render: Render, values: Values, message: str) -> None:
        with pytest.raises(HelmError, match=message):
            render(values)

    def test_a_kubernetes_that_is_too_old(self, render: Render) -> None:
        with pytest.raises(HelmError, match="incompatible with Kubernetes v1.33"):
            render(kubernetes="1.33")


def resources(request: str, limit: str, kind: str = "memory") -> Values:
    found = {
        "requests": {"cpu": "50m", "memory": "64Mi"},
        "limits": {"cpu": "1", "memory": "256Mi"},
    }
    found["requests"][kind] = request
    found["limits"][kind] = limit
    return {"resources": found}


def alertmanager(**values: Any) -> Values:
    return {"monitoring": {"alertmanager": values}}


class TestRefusedTogether:
    """By check-values.yaml, in words that say what to change."""

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            pytest.param(
                {"services": {"search": None}},
                "services.portal.calls names .search., which is no service",
                id="a call to nobody",
            ),
            pytest.param(
                {"services": {"search": None, "portal": {"calls": []}}},
                "set routing.routes.search.enabled to false",
                id="a route to nobody",
            ),
            pytest.param(
                {"services": {"report": {"port": 3020}}},
                r"services.report has the credential database and no role there: "
                rf".* Roles have {', '.join(sorted(role[7:] for role in ROLES))}\.",
                id="a login that nobody makes",
            ),
            pytest.param(
                {"serviceDefaults": {"credentials": ["key-set", "signing-key"]}},
                "services.budget has the credential signing-key, .* the user service's alone",
                id="everybody signs",
            ),
            pytest.param(
                {
                    "searchEngine": {"existingSecret": "x"},
                    "services": {"search": {"credentials": []}},
                },
                "add search-engine to services.search.credentials",
                id="an engine that nobody asks",
            ),
            pytest.param(
                service(**resources("1Gi", "1023Mi")),
                "services.budget.resources.requests.memory is 1Gi, above its limit of 1023Mi",
                id="more memory than the limit",
            ),
            pytest.param(
                {"serviceDefaults": resources("1.5", "1400m", "cpu")},
                "services.budget.resources.requests.cpu is 1.5, above its limit of 1400m",
                id="more cpu than the limit, by default",
            ),
            *(
                pytest.param(
                    {name: resources("2Gi", "1Gi")},
                    f"{name}.resources.requests.memory is 2Gi",
                    id=f"likewise for {name}",
                )
                for name in ("database", "redis", "migrate", "demo")
            ),
            *(
                pytest.param(
                    {"monitoring": {name: resources("2Gi", "1Gi")}},
                    f"monitoring.{name}.resources.requests.memory is 2Gi",
                    id=f"likewise for {name}",
                )
                for name in ("prometheus", "alertmanager", "grafana")
            ),
            *(
                pytest.param(
                    {"monitoring": {"exporters": {name: resources("2Gi", "1Gi")}}},
                    f"monitoring.exporters.{name}.resources.requests.memory is 2Gi",
                    id=f"likewise for the exporter of {name}",
                )
                for name in ("postgres", "redis")
            ),
            *(
                pytest.param(
                    {"redis": {"maxMemory": most, **resources("64Mi", limit)}},
                    f"redis.maxMemory is {most} and redis.resources.limits.memory {limit}",
                    id=f"a cache of {most} in {limit}",
                )
                for most, limit in (("2gb", "128Mi"), ("86mb", "128Mi"), ("1gb", "1Gi"))
            ),
            *(
                pytest.param(
                    {"ingress": {"podCidr": network}},
                    f"ingress.podCidr is {network}, which is no network of pods",
                    id=f"everybody's address believed from {network}",
                )
                for network in ("0.0.0.0/0", "0.0.0.0/1", "::/0", "2000::/3")
            ),
            pytest.param(
                service(replicas=4, autoscaling={"enabled": True}),
                "services.budget.autoscaling.max is below",
                id="a maximum below the minimum",
            ),
            pytest.param(
                service(port=3011, internalPort=3011),
                "services.budget.internalPort equals its port",
                id="two servers on a port",
            ),
            pytest.param(
                {"routing": {"routes": {"bugdet": {"rate": 10}}}},
                "routing.routes.bugdet is no route: there are budget, ",
                id="a misspelt route",
            ),
            pytest.param(
                {"routing": {"routes": {"budget": {"rate": 20}}}},
                r"routing.routes.budget.burst is no multiple of its rate \(20\)",
                id="a burst that no Ingress can say",
            ),
            pytest.param(
                {"routing": {"routes": {"catch-all": {"enabled": False}}}},
                "catch-all cannot be turned off",
                id="no 404 of our own",
            ),
            pytest.param(
                {"routing": {"cors": {"origins": ["*", "https://a.example"]}}},
                "take one or the other",
                id="everybody and somebody",
            ),
            pytest.param(
                {"ingress": {"controller": "traefik", "className": "nginx"}},
                "ingress.className is nginx and ingress.controller is traefik",
                id="the class of the other controller",
            ),
            pytest.param(
                {"ingress": {"className": "traefik-nginx"}},
                "ingress.className is traefik-nginx and ingress.controller is nginx",
                id="and the other way round",
            ),
            pytest.param(
                {"ingress": {"controller": "traefik", "className": "traefik"}},
                "nothing would limit rates",
                id="Traefik without the annotations",
            ),
            pytest.param(
                {"ingress": {"controller": "traefik", "controllerNamespace": "ingress-nginx"}},
                "Traefik would not reach the services",
                id="the namespace of the other controller",
            ),
            pytest.param(
                {"ingress": {"tls": {"enabled": True, "secretName": "x"}}},
                "give ingress.hosts",
                id="a certificate for no name",
            ),
            pytest.param(
                {"ingress": {"hosts": ["a.example"], "tls": {"enabled": True}}},
                "give ingress.tls.issuer.name, or ingress.tls.secretName",
                id="a certificate from nobody",
            ),
            pytest.param(
                {"database": {"enabled": False}},
                "give database.existingSecret",
                id="no database",
            ),
            pytest.param({"redis": {"enabled": False}}, "give redis.existingSecret", id="no redis"),
            pytest.param(
                {"serviceDefaults": {"databasePool": 20}},
                "may open 210 connections and database.settings.max_connections is 100",
                id="more connections than the server takes",
            ),
            pytest.param(
                {"monitoring": {"prometheus": {"storage": {"size": "2Gi"}}}},
                "retention.gigabytes is 2 and its volume 2Gi",
                id="a volume that would run full",
            ),
            pytest.param(
                alertmanager(existingSecret="x", receivers={"heartbeat": "http://a.example"}),
                "take it or receivers",
                id="two configurations",
            ),
            pytest.param(
                alertmanager(existingSecret="x"),
                "give egress.ports",
                id="receivers that no policy lets it reach",
            ),
            pytest.param(
                alertmanager(receivers={"email": {"to": "a@b"}}),
                "give from and smarthost",
                id="e-mail without a way",
            ),
            pytest.param(
                alertmanager(receivers={"email": {"username": "me"}}),
                "a username or a password without the other",
                id="half a login",
            ),
            pytest.param(
                {
                    "redis": {"enabled": False, "existingSecret": "x"},
                    "monitoring": {"exporters": {"redis": {"existingSecret": "x"}}},
                },
                "monitoring.exporters.redis.existingSecret is given for a store that is elsewhere",
                id="a store that is nowhere",
            ),
        ],
    )
    def test_by_words(self, render: Render, values: Values, message: str) -> None:
        with pytest.raises(HelmError, match=message):
            render(values)

    def test_a_name_that_a_part_of_the_chart_has(self, render: Render) -> None:
        """Two objects of a kind with one name, or a selector that finds pods of both."""
        kinds = {"Deployment", "Service", "NetworkPolicy"}
        used = {pod.component for pod in render({}, "everything").pods()} | {
            name.removeprefix("everything-")
            for kind, name in render({}, "everything")
            if kind in kinds
        }
        # No service can have a name with a dash in it.
        taken = {name for name in used if name.isalpha()} - set(
            yaml.safe_load((CHART / "values.yaml").read_text())["services"]
        )
        assert len(taken) >= 8
        for name in taken:
            with pytest.raises(HelmError, match=f"services.{name} has the name of a part"):
                render({"services": {name: {"port": 3020, "credentials": []}}})


class TestAccepted:
    """What is only just right."""

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param(service(**resources("1Gi", "1024Mi")), id="all the memory asked for"),
            pytest.param(service(**resources("0.5", "500m", "cpu")), id="all the cpu asked for"),
            pytest.param(
                {"redis": {"maxMemory": "1gb", **resources("64Mi", "1536Mi")}}, id="a full cache"
            ),
            pytest.param({"ingress": {"podCidr": "10.0.0.0/8"}}, id="a large network of pods"),
            pytest.param({"ingress": {"podCidr": "fd00:10:42::/56"}}, id="one of IPv6"),
            pytest.param(
                {"services": {"report": {"port": 3020, "credentials": ["redis", "key-set"]}}},
                id="a service without a role",
            ),
        ],
    )
    def test_renders(self, render: Render, values: Values) -> None:
        assert render(values)
