"""One dashboard a service, from one function: what all have, and what is each one's own."""

from collections.abc import Callable

from tools.dashboards.panels import (
    CONVERSATIONS,
    HEALTH,
    UP,
    Board,
    Panel,
    Row,
    figure,
    graph,
    quantiles,
    states,
)

# With the stores of the five; the portal has none.
SERVICES = ("user", "search", "metric", "budget", "conversation", "portal")
_STATELESS = frozenset({"portal"})


def service(name: str) -> Board:
    """How one service is, by the four questions."""
    own = _OWN[name]() if name in _OWN else []
    return Board(
        f"harena-{name}",
        f"Harena: {name}",
        f"The {name} service by the four questions.",
        [
            Row("Is it up?", _up(name)),
            Row("Is it slow?", _slow(name)),
            Row("Is it full?", _full(name)),
            Row("Is it wrong?", _wrong(name)),
            *([Row(f"Only {name}", own)] if own else []),
        ],
        alerts=f'service="{name}"',
    )


def _with_stores(name: str, panel: Panel) -> list[Panel]:
    """The panel, unless the service has no stores for it to tell of."""
    return [] if name in _STATELESS else [panel]


def _up(name: str) -> list[Panel]:
    return [
        figure(
            "Health",
            "What it says of itself, the best of its pods.",
            "short",
            f'service:health:max{{service="{name}"}}',
            names=HEALTH,
            width=4,
        ),
        states(
            "Health, by pod",
            "What each pod says of itself in /health.",
            f'harena_health{{service="{name}"}}',
            "{{instance}}",
            HEALTH,
            width=7,
        ),
        *_with_stores(
            name,
            states(
                "Dependencies",
                "Whether each answers it within 2 s.",
                f'max by (dependency) (harena_dependency_up{{service="{name}"}})',
                "{{dependency}}",
                UP,
                width=7,
            ),
        ),
        graph(
            "Since its start",
            "How long each process has run. It falls to nothing at a restart.",
            "s",
            (
                f'time() - process_start_time_seconds{{job="harena", service="{name}"}}',
                "{{instance}}",
            ),
            width=6,
        ),
    ]


def _slow(name: str) -> list[Panel]:
    buckets = "service_route_status_le:http_request_duration_seconds_bucket:rate5m"
    return [
        graph(
            "Time of a request",
            "Half of the requests are faster than the first line, 19 of 20 than the second, 99 of "
            "100 than the third. Without failures, probes and answers of the conversation.",
            "s",
            *quantiles(f'{buckets}{{service="{name}", status!="5xx"}}', 0.5, 0.95, 0.99),
            width=8,
        ),
        graph(
            "95th percentile, by route and class of answer",
            "One request in twenty takes this or longer; the ten slowest.",
            "s",
            (
                "topk(10, service_route_status:http_request_duration_seconds:p95_rate5m"
                f'{{service="{name}"}})',
                "{{status}} {{route}}",
            ),
            width=10,
        ),
        graph(
            "Lag of the event loop",
            "How late a step of a request comes for its turn.",
            "s",
            (f'harena_event_loop_lag_seconds{{service="{name}"}}', "{{instance}}"),
            width=6,
        ),
    ]


def _full(name: str) -> list[Panel]:
    return [
        graph(
            "Memory",
            "Resident memory of each process.",
            "bytes",
            (f'process_resident_memory_bytes{{job="harena", service="{name}"}}', "{{instance}}"),
            width=6,
        ),
        graph(
            "Processor",
            "Share of one core that each process uses; it has one event loop, so 100 % is all.",
            "percentunit",
            (
                "rate(process_cpu_seconds_total"
                f'{{job="harena", service="{name}"}}[$__rate_interval])',
                "{{instance}}",
            ),
            width=6,
        ),
        graph(
            "Requests being answered",
            "At the moment of the scrape, and open files and sockets of each process.",
            "short",
            (
                f'sum by (instance) (harena_http_requests_in_flight{{service="{name}"}})',
                "requests, {{instance}}",
            ),
            (f'process_open_fds{{job="harena", service="{name}"}}', "files, {{instance}}"),
            width=6,
        ),
        *_with_stores(
            name,
            graph(
                "Connections to Postgres",
                "In use, idle in the pool, and the most that there may be.",
                "short",
                (f'sum(harena_database_pool_used{{service="{name}"}})', "used"),
                (f'sum(harena_database_pool_idle{{service="{name}"}})', "idle"),
                (f'sum(harena_database_pool_size{{service="{name}"}})', "at most"),
                width=6,
            ),
        ),
    ]


def _wrong(name: str) -> list[Panel]:
    of_service = f'{{service="{name}"}}'
    return [
        figure(
            "Requests that fail",
            "Share of 5xx, without probes.",
            "percentunit",
            f"service:http_requests_failed:ratio_rate5m{of_service}",
            limits=(0.01, 0.05),
            width=4,
        ),
        graph(
            "Requests, by status",
            "Requests a second, without probes.",
            "reqps",
            (
                f"sum by (status) (service_route_status:http_requests:rate5m{of_service})",
                "{{status}}",
            ),
            width=7,
        ),
        graph(
            "Failures, by route",
            "5xx a second.",
            "reqps",
            (
                "sum by (route, status) (service_route_status:http_requests:rate5m"
                f'{{service="{name}", status=~"5.."}})',
                "{{status}} {{route}}",
            ),
            width=7,
        ),
        *_with_stores(
            name,
            graph(
                "Tokens and cache",
                "Checks of a token and reads of the cache in a second, by outcome.",
                "ops",
                (
                    "sum by (outcome) "
                    f"(rate(harena_token_checks_total{of_service}[$__rate_interval]))",
                    "token {{outcome}}",
                ),
                (
                    "sum by (outcome) "
                    f"(rate(harena_cache_requests_total{of_service}[$__rate_interval]))",
                    "cache {{outcome}}",
                ),
                width=6,
            ),
        ),
    ]


def _user() -> list[Panel]:
    return [
        graph(
            "Logins",
            "A second, by status: 200 let in, 401 refused, 429 refused for too many failures.",
            "reqps",
            (
                'sum by (status) (service_route_status:http_requests:rate5m{service="user", '
                'route=~"/api/v1/(users/)?auth/login"})',
                "{{status}}",
            ),
            width=12,
        )
    ]


def _search() -> list[Panel]:
    buckets = "rate(harena_search_engine_request_duration_seconds_bucket[$__rate_interval])"
    return [
        graph(
            "Calls to the search engine",
            "Half are faster than the first line, 19 of 20 than the second; silent ones count.",
            "s",
            *quantiles(buckets, 0.5, 0.95),
            width=12,
        ),
        graph(
            "Calls, by outcome",
            "A second: answered, refused with another status, or silent.",
            "ops",
            (
                "sum by (outcome) (rate("
                "harena_search_engine_request_duration_seconds_count[$__rate_interval]))",
                "{{outcome}}",
            ),
            width=12,
        ),
    ]


def _metric() -> list[Panel]:
    return [
        graph(
            "Figures",
            "Asked for in a second: known already, or computed.",
            "ops",
            (
                "sum by (outcome) (rate(harena_metric_answers_total[$__rate_interval]))",
                "{{outcome}}",
            ),
            width=12,
        )
    ]


def _conversation() -> list[Panel]:
    return [
        graph(
            "Open sockets and streams",
            "Each holds a person who waits for an answer; a process that ends waits for them.",
            "short",
            *CONVERSATIONS,
            width=12,
        ),
        graph(
            "Processes that drain",
            "1 from the moment a process is told to end until it has.",
            "short",
            ('harena_draining{service="conversation"}', "{{instance}}"),
            width=12,
        ),
    ]


def _portal() -> list[Panel]:
    return [
        states(
            "The services as the portal finds them",
            "What each answered it over the network, through the edge's /health.",
            "min by (service) (harena_platform_service_health)",
            "{{service}}",
            HEALTH,
            width=24,
        )
    ]


_OWN: dict[str, Callable[[], list[Panel]]] = {
    "user": _user,
    "search": _search,
    "metric": _metric,
    "conversation": _conversation,
    "portal": _portal,
}
