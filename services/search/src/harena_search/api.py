"""The routes of search."""

from fastapi import APIRouter

from harena_core.health import Health, health

router = APIRouter(prefix="/api/v1/search", tags=["operations"])

# Open, and documented here too: the edge gives `/health` to the portal.
router.add_api_route(
    "/health",
    health,
    summary="How the service is",
    response_model=Health,
    responses={503: {"model": Health, "description": "A required dependency does not answer."}},
)
