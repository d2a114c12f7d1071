"""What answers cost. Little of it exists: the rest says what is to come."""

from tools.dashboards.panels import CONVERSATIONS, Board, Panel, Row, graph, note, quantiles

_COMING = """\
Not measured yet, because nothing answers questions yet:

- calls to the language model, by model and outcome, and how long they take;
- tokens, in and out, and what they cost;
- the time to the first token;
- answers that were corrected, and figures in them that could not be verified.

Each comes with the code that makes it, and its panel with it."""


def answers() -> Board:
    """The conversation as something that is paid for."""
    return Board(
        "harena-answers",
        "Harena: cost of answers",
        "Questions asked, how long their answers take, and what they cost.",
        [Row("Questions", _questions()), Row("Cost", [note("To come", _COMING, height=8)])],
        alerts='service="conversation"',
    )


def _questions() -> list[Panel]:
    asked = (
        r'service="conversation", '
        r'route=~"/api/v3/query|/api/v3/conversation/\\{user_id\\}(/stream)?"'
    )
    return [
        graph(
            "Questions over HTTP",
            "A second, by status. Questions over a socket are not requests and are not in it.",
            "reqps",
            (
                f"sum by (status) (service_route_status:http_requests:rate5m{{{asked}}})",
                "{{status}}",
            ),
            width=8,
        ),
        graph(
            "Time of an answer",
            "To its last byte, over HTTP: half are faster than the first line, 19 of 20 than "
            "the second.",
            "s",
            *quantiles(
                "rate(harena_http_request_duration_seconds_bucket"
                f'{{{asked}, status="2xx"}}[$__rate_interval])',
                *(0.5, 0.95),
            ),
            width=8,
        ),
        graph(
            "Open sockets and streams",
            "People who wait for an answer, or may ask the next question.",
            "short",
            *CONVERSATIONS,
            width=8,
        ),
    ]
