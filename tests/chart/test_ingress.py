"""The Ingress objects beside the nginx that the local edge runs: two renderings of one model.

nginx is read from its configuration, as the server itself would read it. What controllers make of
the annotations was measured (`harena_edge.capabilities`) and is asked of a real one on a cluster.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import crossplane  # type: ignore[import-untyped]
import pytest
from tests.chart.conftest import Render, Values
from tests.chart.objects import Object, Objects

from harena_edge import model
from harena_edge.nginx import render as render_nginx

PREFIX = "nginx.ingress.kubernetes.io/"
SERVICES = ("user", "search", "metric", "budget", "conversation", "portal")

# Names that ingress-nginx 1.15 knows; of others it says nothing, and does nothing.
NGINX = {
    "limit-rps",
    "limit-burst-multiplier",
    "limit-connections",
    "proxy-connect-timeout",
    "proxy-send-timeout",
    "proxy-read-timeout",
    "proxy-body-size",
    "proxy-buffering",
    "proxy-max-temp-file-size",
    "proxy-next-upstream",
    "proxy-next-upstream-tries",
    "enable-cors",
    "cors-allow-origin",
    "cors-allow-credentials",
    "cors-allow-methods",
    "cors-allow-headers",
    "cors-expose-headers",
    "cors-max-age",
}
# Names that Traefik 3.7.15 knows; it ignores others likewise.
TRAEFIK = NGINX - {"proxy-max-temp-file-size"} | {"proxy-request-buffering"}
BY_TRAEFIK: Values = {"ingress": {"controller": "traefik"}}


@dataclass(frozen=True)
class Treatment:
    """What an edge does with a request that it gives to a service."""

    service: str
    bucket: str
    rate: int
    burst: int
    connections: int
    connect: int
    send: int
    read: int
    body_limit: int
    buffered: bool
    tried_once: bool


# --- what the Ingress objects say ---------------------------------------------------------------


def annotations(ingress: Object) -> dict[str, str]:
    found: dict[str, str] = ingress["metadata"]["annotations"]
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


def by_ingress(objects: Objects) -> Iterator[tuple[str, bool, Treatment]]:
    """Each path of the first rule, whether it is exact, and how it is treated."""
    for name, ingress in objects.of("Ingress").items():
        said = annotations(ingress)
        rate = int(said["limit-rps"])
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            yield (
                path["path"],
                path["pathType"] == "Exact",
                Treatment(
                    service=path["backend"]["service"]["name"].removeprefix("rel-"),
                    bucket=name.removeprefix("rel-"),
                    rate=rate,
                    burst=rate * int(said["limit-burst-multiplier"]),
                    connections=int(said["limit-connections"]),
                    connect=int(said["proxy-connect-timeout"]),
                    send=int(said["proxy-send-timeout"]),
                    read=int(said["proxy-read-timeout"]),
                    body_limit=int(said["proxy-body-size"]),
                    buffered=said["proxy-buffering"] == "on",
                    tried_once=said["proxy-next-upstream"] == "off"
                    and said["proxy-next-upstream-tries"] == "1",
                ),
            )


# --- what the local nginx does ------------------------------------------------------------------


def parsed(values: Values, folder: Path) -> list[dict[str, Any]]:
    """The local edge's http block, with a deployment's values laid over the model."""
    text = render_nginx(
        model.load(values.get("routing")),
        listen="127.0.0.1:8080",
        upstreams=dict.fromkeys(SERVICES, "127.0.0.1:1"),
    )
    file = folder / "nginx.conf"
    file.write_text(text)
    payload = crossplane.parse(str(file))
    assert payload["status"] == "ok"
    [http] = [block for block in payload["config"][0]["parsed"] if block["directive"] == "http"]
    found: list[dict[str, Any]] = http["block"]
    return found


def by_nginx(http: list[dict[str, Any]], path: str) -> Treatment:
    """What the configuration does with a path: the first expression that takes it, else `/`."""
    rates = {
        zone.group(1): int(rate.group(1))
        for directive in http
        if directive["directive"] == "limit_req_zone"
        and (zone := re.search(r"zone=(\w+):", " ".join(directive["args"])))
        and (rate := re.search(r"rate=(\d+)r/s", " ".join(directive["args"])))
    }
    [server] = [directive["block"] for directive in http if directive["directive"] == "server"]
    locations = [directive for directive in server if directive["directive"] == "location"]
    expressions = [found for found in locations if found["args"][0] == "~"]
    [fallback] = [found for found in locations if found["args"] == ["/"]]
    taking = [found for found in expressions if _takes(found["args"][1], path)]
    block = {
        directive["directive"]: directive["args"] for directive in [*taking, fallback][0]["block"]
    }
    [zone] = [arg.removeprefix("zone=") for arg in block["limit_req"] if arg.startswith("zone=")]
    [burst] = [arg.removeprefix("burst=") for arg in block["limit_req"] if arg.startswith("burst=")]
    assert "nodelay" in block["limit_req"]
    counted, connections = block["limit_conn"]
    assert counted == f"{zone}_connections"

    def seconds(name: str) -> int:
        return int(block[name][0].removesuffix("s"))

    return Treatment(
        service=block["proxy_pass"][0].removeprefix("http://"),
        bucket=zone.replace("_", "-"),
        rate=rates[zone],
        burst=int(burst),
        connections=int(connections),
        connect=seconds("proxy_connect_timeout"),
        send=seconds("proxy_send_timeout"),
        read=seconds("proxy_read_timeout"),
        body_limit=int(block["client_max_body_size"][0]),
        buffered=block.get("proxy_buffering", ["on"]) == ["on"],
        tried_once=block["proxy_next_upstream"] == ["off"],
    )


def _takes(expression: str, path: str) -> bool:
    return re.search(expression.replace(r"\z", r"\Z"), path) is not None


def header(http: list[dict[str, Any]], name: str) -> str:
    """What the local edge answers in a header."""
    for directive in http:
        if directive["directive"] == "more_set_headers":
            for argument in directive["args"]:
                if argument.startswith(f"{name}: "):
                    return str(argument.removeprefix(f"{name}: "))
    raise AssertionError(f"no {name}")


CHANGED: Values = {
    "routing": {
        "routes": {
            "conversation": {"rate": 20, "burst": 60, "connections": 7, "timeouts": {"read": 30}},
            "imports": {"body_limit": 20971520},
            "service-docs": {"enabled": False},
        },
        "cors": {"origins": ["https://a.example", "https://b.example:8443"], "max_age": 60},
    }
}


@pytest.mark.parametrize(
    "values", [pytest.param({}, id="as it is"), pytest.param(CHANGED, id="laid over")]
)
class TestBothEdges:
    def test_treat_every_path_alike(self, render: Render, values: Values, tmp_path: Path) -> None:
        http = parsed(values, tmp_path)
        rows = list(by_ingress(render(values)))

        assert len(rows) > 15
        for path, exact, treatment in rows:
            assert by_nginx(http, path) == treatment
            below = f"{path.rstrip('/')}/below"
            if exact:
                assert by_nginx(http, below).bucket == "catch-all"
            else:
                assert by_nginx(http, below) == treatment
            if path != "/":
                assert by_nginx(http, f"{path}X").bucket == "catch-all"

    def test_know_the_same_routes_as_the_model(self, render: Render, values: Values) -> None:
        routing = model.load(values.get("routing"))
        expected = {
            (match.path, match.exact, match.service, name)
            for name, route in routing.enabled_routes.items()
            for match in route.matches()
        }

        assert expected == {
            (path, exact, treatment.service, treatment.bucket)
            for path, exact, treatment in by_ingress(render(values))
        }

    def test_answer_the_same_cors(self, render: Render, values: Values, tmp_path: Path) -> None:
        http = parsed(values, tmp_path)
        cors = model.load(values.get("routing")).cors
        for ingress in render(values).of("Ingress").values():
            said = annotations(ingress)
            assert said["enable-cors"] == "true"
            assert said["cors-allow-credentials"] == "false"
            assert said["cors-allow-origin"] == ",".join(cors.origins)
            assert said["cors-max-age"] == str(cors.max_age)
            assert said["cors-allow-methods"] == header(http, "Access-Control-Allow-Methods")
            assert said["cors-allow-headers"] == header(http, "Access-Control-Allow-Headers")
            assert said["cors-expose-headers"] == header(http, "Access-Control-Expose-Headers")

    def test_have_a_bucket_a_row(self, render: Render, values: Values) -> None:
        """A bucket of the controller belongs to an Ingress object."""
        routing = model.load(values.get("routing"))

        assert set(render(values).of("Ingress")) == {
            f"rel-{name}" for name in routing.enabled_routes
        }


class TestAnnotations:
    def test_are_known_to_the_controller(self, render: Render) -> None:
        for ingress in render({}, "everything").of("Ingress").values():
            assert set(annotations(ingress)) == NGINX
        for ingress in render(BY_TRAEFIK, "everything").of("Ingress").values():
            assert set(annotations(ingress)) == TRAEFIK

    def test_write_nothing_to_disk(self, render: Render) -> None:
        for ingress in render().of("Ingress").values():
            assert annotations(ingress)["proxy-max-temp-file-size"] == "0"

    def test_a_stream_is_not_held_back(self, render: Render) -> None:
        said = annotations(render()["Ingress", "rel-conversation"])

        assert said["proxy-buffering"] == "off"
        assert said["proxy-read-timeout"] == "86400"
        assert said["limit-rps"] == "10"


class TestTraefik:
    def test_treats_every_path_as_ingress_nginx_does(self, render: Render) -> None:
        theirs = {path: treatment for path, _, treatment in by_ingress(render())}
        ours = {path: treatment for path, _, treatment in by_ingress(render(BY_TRAEFIK))}

        assert ours == {
            path: replace(treatment, buffered=False) for path, treatment in theirs.items()
        }

    def test_bounds_bodies_and_no_answer(self, render: Render) -> None:
        """The first is done only while requests are buffered, the second while answers are."""
        for ingress in render(BY_TRAEFIK).of("Ingress").values():
            said = annotations(ingress)
            assert said["proxy-request-buffering"] == "on"
            assert said["proxy-buffering"] == "off"

    def test_asks_the_catch_all_last(self, render: Render) -> None:
        """It asks the longest rule first: what it makes of a path must outgrow that of `/`."""
        for path, exact, _ in by_ingress(render(BY_TRAEFIK)):
            prefix = f'(Path("{path}") || PathPrefix("{path}/"))'
            rule = f'Path("{path}")' if exact else prefix
            assert path == "/" or len(rule) > len('PathPrefix("/")')

    def test_takes_no_more_than_it_should(self, render: Render) -> None:
        exact = {path: exact for path, exact, _ in by_ingress(render())}
        changed = [path for path, now, _ in by_ingress(render(BY_TRAEFIK)) if now != exact[path]]

        assert changed == ["/health"]


class TestHosts:
    def test_without_one_every_name_is_answered(self, render: Render) -> None:
        for ingress in render().of("Ingress").values():
            [rule] = ingress["spec"]["rules"]
            assert "host" not in rule
            assert "tls" not in ingress["spec"]
            assert ingress["spec"]["ingressClassName"] == "nginx"

    def test_each_has_all_paths(self, render: Render) -> None:
        hosts = ["a.example", "b.example"]
        for ingress in render({"ingress": {"hosts": hosts}}).of("Ingress").values():
            rules = ingress["spec"]["rules"]
            assert [rule["host"] for rule in rules] == hosts
            assert rules[0]["http"] == rules[1]["http"]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [(BY_TRAEFIK, "traefik-nginx"), ({"ingress": {"className": "inner"}}, "inner")],
    )
    def test_another_class(self, render: Render, values: Values, expected: str) -> None:
        ingresses = render(values).of("Ingress").values()

        assert {ingress["spec"]["ingressClassName"] for ingress in ingresses} == {expected}


class TestTls:
    def test_is_off_by_default(self, render: Render) -> None:
        assert render().of("Certificate") == {}

    def test_by_an_issuer(self, render: Render) -> None:
        objects = render({}, "everything")
        hosts = ["api.example.com", "www.example.com"]

        certificate = objects["Certificate", "everything"]["spec"]
        assert certificate["dnsNames"] == hosts
        assert certificate["issuerRef"]["name"] == "letsencrypt"
        assert certificate["issuerRef"]["kind"] == "ClusterIssuer"
        for ingress in objects.of("Ingress").values():
            assert ingress["spec"]["tls"] == [
                {"hosts": hosts, "secretName": certificate["secretName"]}
            ]

    def test_by_a_certificate_that_exists(self, render: Render) -> None:
        objects = render({}, "external")

        assert objects.of("Certificate") == {}
        for ingress in objects.of("Ingress").values():
            assert ingress["spec"]["tls"][0]["secretName"] == "certificate"
