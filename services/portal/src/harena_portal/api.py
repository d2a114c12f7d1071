"""The pages. Whatever is not here is a 404, for every method."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from harena_core.health import Status
from harena_portal.schemas import PlatformHealth
from harena_portal.service import Platform

router = APIRouter()


class Card(NamedTuple):
    """A service as people see it."""

    title: str
    summary: str


# By the name of the service; the order is that of the settings.
CARDS = {
    "user": Card("Utilisateur", "Compte, connexion, préférences, banques, comptes et opérations."),
    "search": Card("Recherche", "Opérations par texte, montant, date, marchand ou catégorie."),
    "metric": Card("Indicateurs", "Dépenses et revenus, mois par mois et année par année."),
    "budget": Card("Profil budgétaire", "Profil, charges fixes, recommandations et objectifs."),
    "conversation": Card("Conversation", "Questions en français sur ses finances, en continu."),
}

STATES: dict[Status, str] = {
    "healthy": "en service",
    "degraded": "dégradé",
    "unhealthy": "indisponible",
}


def _platform(request: Request) -> Platform:
    platform: Platform = request.state.platform
    return platform


CurrentPlatform = Annotated[Platform, Depends(_platform)]


@router.api_route("/docs/", methods=["GET", "HEAD"], response_class=HTMLResponse)
@router.api_route("/docs", methods=["GET", "HEAD"], response_class=HTMLResponse)
async def index(request: Request, platform: CurrentPlatform) -> HTMLResponse:
    """The services, how they are, and where their documentation is."""
    health = await platform.health()
    page = request.app.state.index.render(
        health=health,
        cards=CARDS,
        states=STATES,
        service_docs=request.state.settings.service_docs,
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-cache"})


@router.api_route("/health", methods=["GET", "HEAD"])
async def health(response: Response, platform: CurrentPlatform) -> PlatformHealth:
    """200 while every service serves, a degraded one included; 503 otherwise."""
    found = await platform.health()
    response.status_code = 503 if found.status == "unhealthy" else 200
    response.headers["Cache-Control"] = "no-store"
    return found
