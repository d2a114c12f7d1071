"""The routes of search."""

from fastapi import APIRouter

from harena_core import health

router = APIRouter(prefix="/api/v1/search")
router.include_router(health.public)  # the edge gives `/health` itself to the portal
