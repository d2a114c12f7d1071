"""The four questions, each with its figure: where to look first."""

from tools.dashboards.panels import (
    HEALTH,
    PROBE,
    TO_SERVICE,
    Board,
    Panel,
    Row,
    alerts,
    figure,
    graph,
    states,
)

_FULLEST = (
    "node:memory_used:ratio",
    "node_device:filesystem_used:ratio",
    "namespace_persistentvolumeclaim:volume_used:ratio",
    "postgres:connections_used:ratio",
    "service:database_pool_used:ratio",
    "redis:memory_used:ratio",
    "container:memory_used:ratio",
)


def overview() -> Board:
    """The first dashboard that anybody opens."""
    return Board(
        "harena-overview",
        "Harena: overview",
        "Is it up, is it slow, is it full, is it wrong? Each question has one figure.",
        [
            Row("What fires", [alerts()]),
            Row("Is it up?", _up()),
            Row("Is it slow?", _slow()),
            Row("Is it full?", _full()),
            Row("Is it wrong?", _wrong()),
        ],
    )


def _up() -> list[Panel]:
    return [
        figure(
            "Services that do not serve",
            "Of the six: down, unhealthy, or without a target.",
            "short",
            "count(service:expected:info unless on (service) service:health:max > 0) or vector(0)",
            limits=(0.5, 1),
        ),
        states(
            "Services",
            "What each says of itself in /health; the best of its pods.",
            "service:health:max",
            "{{service}}",
            HEALTH,
            link=TO_SERVICE,
        ),
        graph(
            "Through the edge",
            "How long the portal takes to answer Prometheus through the edge: name, certificate, "
            "edge and portal together. A gap is a probe that got no answer.",
            "s",
            PROBE,
        ),
    ]


def _slow() -> list[Panel]:
    return [
        figure(
            "The slowest service",
            "One request in twenty takes this or longer. Without failures, probes, and answers of "
            "the conversation, which take as long as a language model does.",
            "s",
            "max(service:http_request_duration_seconds:p95_rate5m)",
            limits=(0.5, 1),
        ),
        graph(
            "95th percentile, by service",
            "One request in twenty takes this or longer; failures do not count.",
            "s",
            ("service:http_request_duration_seconds:p95_rate5m", "{{service}}"),
            link=TO_SERVICE,
        ),
        graph(
            "Lag of the event loops",
            "How late a step of a request comes for its turn; a healthy loop is below 10 ms.",
            "s",
            ("max by (service) (harena_event_loop_lag_seconds)", "{{service}}"),
            link=TO_SERVICE,
        ),
    ]


def _full() -> list[Panel]:
    return [
        figure(
            "What is fullest",
            "The highest of: memory and disks of the nodes, volumes, memory of containers and of "
            "Redis, connections of Postgres, pools of the services. The graphs beside say which.",
            "percentunit",
            f"max({' or '.join(_FULLEST)})",
            limits=(0.8, 0.9),
        ),
        graph(
            "Nodes and stores",
            "Used share of what there is.",
            "percentunit",
            ("node:cpu_used:ratio_rate5m", "processor of {{node}}"),
            ("node:memory_used:ratio", "memory of {{node}}"),
            ("node_device:filesystem_used:ratio", "{{device}} of {{node}}"),
            ("namespace_persistentvolumeclaim:volume_used:ratio", "{{persistentvolumeclaim}}"),
            ("postgres:connections_used:ratio", "connections of Postgres"),
            ("redis:memory_used:ratio", "memory of Redis"),
            top=1,
        ),
        graph(
            "Containers and pools",
            "Memory of each container by its limit (the ten fullest), and connections in use of "
            "each service's pool.",
            "percentunit",
            ("topk(10, container:memory_used:ratio)", "{{container}} of {{pod}}"),
            ("service:database_pool_used:ratio", "pool of {{service}}"),
            top=1,
        ),
    ]


def _wrong() -> list[Panel]:
    return [
        figure(
            "Requests that fail",
            "Share of 5xx in the requests to all services, without probes.",
            "percentunit",
            'sum(service_route_status:http_requests:rate5m{status=~"5.."} or 0 * '
            "service_route_status:http_requests:rate5m) / sum(service:http_requests:rate5m)",
            limits=(0.01, 0.05),
        ),
        graph(
            "Requests that fail, by service",
            "Share of 5xx, without probes.",
            "percentunit",
            ("service:http_requests_failed:ratio_rate5m", "{{service}}"),
            link=TO_SERVICE,
        ),
        graph(
            "Requests",
            "Requests a second, without probes.",
            "reqps",
            ("service:http_requests:rate5m", "{{service}}"),
            link=TO_SERVICE,
        ),
    ]
