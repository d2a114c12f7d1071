"""What people read: the services' names, their states, and figures, in French.

The page and `/docs/status.json` are both made of this, so that no word is written twice.
"""

from collections.abc import Mapping
from typing import NamedTuple

from harena_core.health import Status
from harena_portal.schemas import ServiceRow, StatusPage
from harena_portal.service import Found, Round

# French puts it before a colon and between a figure and its unit; no line breaks there.
NBSP = "\u00a0"
UNKNOWN = "—"


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

# From worst to best.
STATES: Mapping[Status, str] = {
    "unhealthy": "Indisponible",
    "degraded": "Dégradé",
    "healthy": "En service",
}


def page(found: Round, now: float) -> StatusPage:
    """What the page shows of this round, `now` seconds of the same clock."""
    return StatusPage(
        status=found.status,
        headline=headline(found),
        age_seconds=round(now - found.at, 1),
        services={name: _row(service, now) for name, service in found.services.items()},
    )


def headline(found: Round) -> str:
    """The platform in a line that names every service which is not in service."""
    parts = []
    for status, word in STATES.items():
        titles = [CARDS[name].title for name, it in found.services.items() if it.status == status]
        if len(titles) == len(found.services) and status != "healthy":
            return f"{word}{NBSP}: tous les services"
        if titles and status != "healthy":
            parts.append(f"{word}{NBSP}: {', '.join(titles)}")
    return f"{NBSP}· ".join(parts) or "Tout fonctionne"


def duration(seconds: float) -> str:
    """To the minute for a day, then to the day."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"<{NBSP}1{NBSP}min"
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    if minutes < 24 * 60:
        return f"{minutes // 60}{NBSP}h{NBSP}{minutes % 60:02}"
    return f"{minutes // (24 * 60)}{NBSP}j"


def _row(found: Found, now: float) -> ServiceRow:
    return ServiceRow(
        status=found.status,
        state=STATES[found.status],
        response=UNKNOWN if found.seconds is None else _response_time(found.seconds),
        version=found.version or UNKNOWN,
        since=duration(now - found.since),
    )


def _response_time(seconds: float) -> str:
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))}{NBSP}ms"
    return f"{seconds:.1f}{NBSP}s".replace(".", ",")
