"""What comes in from outside: ingress-nginx or Traefik under one set of names."""

from tools.dashboards.panels import (
    HEALTH,
    PROBE,
    UP,
    Board,
    Panel,
    Row,
    figure,
    graph,
    note,
    states,
)

_HERE = (
    "The local edge of `make up` exports no figures: there, only the first row has data. With "
    "Traefik a route is an entry point, with ingress-nginx an Ingress, which is a row of the "
    "routing model."
)


def edge() -> Board:
    """How the edge is, by the four questions."""
    return Board(
        "harena-edge",
        "Harena: edge",
        "The way in from outside: reachability, times, rates, refusals, certificates.",
        [
            Row("Is it up?", _up()),
            Row("Is it slow?", _slow()),
            Row("Is it full?", _full()),
            Row("Is it wrong?", _wrong()),
        ],
        alerts='alertname=~"Edge.*|Ingress.*|TLS.*"',
    )


def _up() -> list[Panel]:
    return [
        figure(
            "Through the edge",
            "Whether the portal answers Prometheus, which asks as a client would.",
            "short",
            'min(up{job="edge"})',
            names=UP,
            width=4,
        ),
        states(
            "Probe through the edge, and controller",
            "Whether each answers Prometheus.",
            'max by (job) (up{job=~"edge|ingress"})',
            "{{job}}",
            UP,
            width=10,
        ),
        states(
            "The platform, as the portal tells it",
            "The worst of the services, as anybody outside sees it at /health.",
            'min(harena_platform_health{job="edge"})',
            "platform",
            HEALTH,
            width=10,
        ),
    ]


def _slow() -> list[Panel]:
    nginx = (
        "histogram_quantile(0.95, sum by (ingress, le) "
        "(rate(nginx_ingress_controller_request_duration_seconds_bucket[$__rate_interval])))"
    )
    traefik = (
        "histogram_quantile(0.95, sum by (entrypoint, le) (rate("
        'traefik_entrypoint_request_duration_seconds_bucket{entrypoint!~"traefik|metrics"}'
        "[$__rate_interval])))"
    )
    return [
        graph(
            "95th percentile, by route",
            "From the first byte of a request to the last of its answer, as the edge measures it: "
            "streams and sockets of the conversation included, so that route is long by nature.",
            "s",
            (nginx, "{{ingress}}"),
            (traefik, "{{entrypoint}}"),
            width=12,
        ),
        graph(
            "Answer to the probe",
            "How long the portal takes to answer through the edge.",
            "s",
            PROBE,
            width=12,
        ),
    ]


def _full() -> list[Panel]:
    return [
        graph(
            "Requests, by route",
            "Requests a second.",
            "reqps",
            ("route:edge_requests:rate5m", "{{route}}"),
            width=12,
        ),
        graph(
            "Connections",
            "Open connections at the controller.",
            "short",
            ("sum by (state) (nginx_ingress_controller_nginx_process_connections)", "{{state}}"),
            ("sum by (entrypoint) (traefik_open_connections)", "{{entrypoint}}"),
            width=12,
        ),
    ]


def _wrong() -> list[Panel]:
    return [
        graph(
            "Requests that fail, by route",
            "Share of 5xx, also those that no service sees: no pod, no answer in time.",
            "percentunit",
            ("route:edge_requests_failed:ratio_rate5m", "{{route}}"),
            width=8,
        ),
        graph(
            "Requests over the rate, by route",
            "Share of 429.",
            "percentunit",
            ("route:edge_requests_rejected:ratio_rate5m", "{{route}}"),
            width=8,
        ),
        graph(
            "Left to the certificates",
            "Until each expires. cert-manager renews when a third of the lifetime is left.",
            "s",
            ("host:certificate_left_seconds:min", "{{host}}"),
            width=8,
        ),
        note("Where the figures come from", _HERE),
    ]
