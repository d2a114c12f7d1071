"""Business errors carry their own HTTP status; one handler renders them all.

    HarenaError              500  a bug: alerts fire on it
    ├── BadRequest           400
    ├── NotAuthenticated     401  only for a bad, expired or revoked token, or wrong credentials
    ├── NotPermitted         403
    ├── NotFound             404  unknown, or not yours
    ├── Conflict             409
    ├── TooLarge             413
    ├── Invalid              422  names the culprit in `errors`
    ├── PreconditionRequired 428
    ├── TooManyRequests      429  says when to come back
    ├── BadGateway           502  a dependency answered nonsense
    ├── Unavailable          503  a dependency is down; the client may retry
    └── GatewayTimeout       504  a dependency did not answer in time

`detail` is shown to people: it is French, and always a string, because the web client renders it as
it comes. No exception text, SQL or engine message is ever put in it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from harena_core.logging import request_id

log = structlog.get_logger()


class FieldError(BaseModel):
    """One culprit in a request."""

    loc: list[str | int] = Field(description="Where it stands, as in ['query', 'mois_cible'].")
    msg: str
    type: str


class ErrorBody(BaseModel):
    """What a client gets for any error."""

    detail: str = Field(description="A sentence in French.")
    error_code: str = Field(examples=["NOT_FOUND"])
    request_id: str
    errors: list[FieldError] | None = Field(default=None, description="On 422 only.")


class HarenaError(Exception):
    """The root: anything that is answered with a status of its own."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self, detail: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.error_code = code or self.code
        self.headers = dict(headers or {})


class BadRequest(HarenaError):
    status = HTTPStatus.BAD_REQUEST
    code = "BAD_REQUEST"


class NotAuthenticated(HarenaError):
    status = HTTPStatus.UNAUTHORIZED
    code = "NOT_AUTHENTICATED"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"WWW-Authenticate": "Bearer"})


class NotPermitted(HarenaError):
    status = HTTPStatus.FORBIDDEN
    code = "FORBIDDEN"


class NotFound(HarenaError):
    status = HTTPStatus.NOT_FOUND
    code = "NOT_FOUND"


class Conflict(HarenaError):
    status = HTTPStatus.CONFLICT
    code = "CONFLICT"


class TooLarge(HarenaError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "PAYLOAD_TOO_LARGE"


class Invalid(HarenaError):
    """A value that is well-formed and still wrong, such as a category that does not exist."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "VALIDATION_ERROR"

    def __init__(self, msg: str, *, loc: Sequence[str | int], type: str = "value_error") -> None:
        super().__init__(_sentence(loc, msg))
        self.errors = [FieldError(loc=list(loc), msg=msg, type=type)]


class PreconditionRequired(HarenaError):
    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "PRECONDITION_REQUIRED"


class TooManyRequests(HarenaError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "TOO_MANY_REQUESTS"

    def __init__(self, detail: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(max(1, retry_after))})


class BadGateway(HarenaError):
    status = HTTPStatus.BAD_GATEWAY
    code = "BAD_GATEWAY"


class Unavailable(HarenaError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "SERVICE_UNAVAILABLE"

    def __init__(
        self,
        detail: str = "Le service est momentanément indisponible. Réessayez dans un instant.",
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": "2"})


class DatabaseUnavailable(Unavailable):
    code = "DATABASE_UNAVAILABLE"


class GatewayTimeout(HarenaError):
    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "GATEWAY_TIMEOUT"

    def __init__(self) -> None:
        super().__init__("La demande a pris trop de temps. Réessayez plus tard.")


class DatabaseTimeout(GatewayTimeout):
    code = "DATABASE_TIMEOUT"


_HTTP_DETAILS = {
    404: "Cette adresse n'existe pas.",
    405: "Cette méthode n'est pas permise à cette adresse.",
    413: "Le corps de la requête est trop volumineux.",
}

# What pydantic finds wrong, in French.
_SENTENCES = {
    "missing": "champ requis",
    "extra_forbidden": "champ inconnu",
    "json_invalid": "le corps n'est pas du JSON valide",
    "value_error": "{error}",  # ours, which is French
    "string_type": "un texte est attendu",
    "string_unicode": "caractères non autorisés",
    "string_pattern_mismatch": "caractères ou forme non autorisés",
    "string_too_short": "trop court ({min_length} au moins)",
    "string_too_long": "trop long ({max_length} au plus)",
    "too_short": "trop court ({min_length} au moins)",  # a list, or a secret
    "too_long": "trop long ({max_length} au plus)",
    "int_type": "un nombre entier est attendu",
    "int_parsing": "un nombre entier est attendu",
    "int_parsing_size": "nombre trop grand",
    "int_from_float": "un nombre entier est attendu",
    "float_type": "un nombre est attendu",
    "float_parsing": "un nombre est attendu",
    "finite_number": "un nombre fini est attendu",
    "greater_than_equal": "doit être supérieur ou égal à {ge}",
    "less_than_equal": "doit être inférieur ou égal à {le}",
    "greater_than": "doit être supérieur à {gt}",
    "less_than": "doit être inférieur à {lt}",
    "bool_type": "un booléen est attendu",
    "bool_parsing": "un booléen est attendu",
    "date_type": "une date AAAA-MM-JJ est attendue",
    "date_parsing": "une date AAAA-MM-JJ est attendue",
    "date_from_datetime_parsing": "une date AAAA-MM-JJ est attendue",
    "date_from_datetime_inexact": "une date AAAA-MM-JJ est attendue",
    "literal_error": "valeurs permises : {expected}",
    "enum": "valeurs permises : {expected}",
    "list_type": "une liste est attendue",
    "dict_type": "un objet est attendu",
    "model_type": "un objet est attendu",
    "model_attributes_type": "un objet est attendu",
}
_UNKNOWN = "valeur non valide"


def _sentence(loc: Sequence[str | int], msg: str) -> str:
    where = ".".join(str(part) for part in loc[1:]) or str(loc[0] if loc else "")
    return f"{where} : {msg}" if where else msg


def _message(error: Mapping[str, Any]) -> str:
    context = dict(error.get("ctx", {}))
    context["expected"] = " ou ".join(str(context.get("expected")).rsplit(" or ", 1))
    return _SENTENCES.get(error["type"], _UNKNOWN).format_map(context)


def body_of(
    detail: str, error_code: str, errors: Sequence[FieldError] | None = None
) -> dict[str, Any]:
    """The one shape of an error, as a JSON-ready mapping."""
    body = ErrorBody(
        detail=detail,
        error_code=error_code,
        request_id=request_id(),
        errors=list(errors) if errors else None,
    )
    return body.model_dump(exclude_none=True)


def render(error: HarenaError) -> JSONResponse:
    """The response for an error, wherever it was caught."""
    errors = error.errors if isinstance(error, Invalid) else None
    return JSONResponse(
        body_of(error.detail, error.error_code, errors), error.status, headers=error.headers
    )


async def _harena(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HarenaError)  # noqa: S101 -- what the handler is registered for
    return render(exc)


async def _validation(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101
    # `input` and `url` are left out on purpose: the first may hold a password.
    errors = [
        FieldError(loc=list(error["loc"]), msg=_message(error), type=error["type"])
        for error in exc.errors()[:20]
    ]
    detail = " ; ".join(_sentence(error.loc, error.msg) for error in errors)
    return JSONResponse(body_of(detail, "VALIDATION_ERROR", errors), 422)


async def _http(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101
    code = HTTPStatus(exc.status_code)
    detail = _HTTP_DETAILS.get(exc.status_code, "La requête n'a pas pu être traitée.")
    name = code.name if exc.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE else TooLarge.code
    return JSONResponse(body_of(detail, name), exc.status_code, headers=exc.headers)


def unexpected() -> JSONResponse:
    """What a client sees of a bug: nothing but the request id to quote."""
    return JSONResponse(
        body_of("Une erreur inattendue est survenue.", HarenaError.code),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def add_error_handlers(app: FastAPI) -> None:
    """Gives every failure of the app the one shape."""
    app.add_exception_handler(HarenaError, _harena)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
