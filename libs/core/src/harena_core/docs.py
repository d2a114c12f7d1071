"""The docs pages: Swagger and ReDoc, from files of ours, without inline script.

A service serves its pages at `/docs` and, because the edge does not rewrite, also at
`/<name>_service/docs`. The pages name `openapi.json` beside them, so both work; the scripts and
styles are at `/docs/assets`, which the edge sends to the portal and which a service reached
directly answers itself.
"""

import os
from functools import cache
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

ASSETS_PATH = "/docs/assets"

_OURS = Path(__file__).parent / "static"
_BUNDLES = Path(fastapi_offline.__file__).resolve().parent / "static"
_REDOC = _BUNDLES / "redoc.standalone.js"

_PAGE = """<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{head}
</head>
<body>
{body}
</body>
</html>
"""


class _Assets(StaticFiles):
    """Files of several folders in one place; of two with the same name, the first.

    ReDoc's comes without its maker's logo, which it would fetch from a CDN: the content security
    policy refuses that, loudly, and there is no option for it. It leaves out a broken picture.
    """

    def __init__(self, *folders: Path) -> None:
        super().__init__(directory=folders[0])
        self.all_directories = list(folders)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        if Path(full_path) != _REDOC or answer.status_code != 200:
            return answer
        headers = {name: answer.headers[name] for name in ("content-type", "etag")}
        return Response(_redoc_without_logo(), headers=headers)


@cache
def _redoc_without_logo() -> bytes:
    return _REDOC.read_bytes().replace(b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,")


def swagger_page(title: str) -> str:
    return _PAGE.format(
        title=title,
        head=f'<link rel="stylesheet" href="{ASSETS_PATH}/swagger-ui.css">',
        body='<div id="swagger"></div>\n'
        f'<script src="{ASSETS_PATH}/swagger-ui-bundle.js"></script>\n'
        f'<script src="{ASSETS_PATH}/swagger.js"></script>',
    )


def redoc_page(title: str) -> str:
    return _PAGE.format(
        title=title,
        head="",
        body='<redoc spec-url="openapi.json"></redoc>\n'
        f'<script src="{ASSETS_PATH}/redoc.standalone.js"></script>',
    )


def mount_assets(app: FastAPI, *more: Path) -> None:
    """Serves the scripts and styles of the pages, and the files of more folders beside them."""
    app.mount(ASSETS_PATH, _Assets(_OURS, _BUNDLES, *more), name="docs-assets")


def add_docs(app: FastAPI, service: str) -> None:
    """The three pages at both of their places, and the assets."""
    router = APIRouter(include_in_schema=False)
    swagger, redoc = swagger_page(app.title), redoc_page(app.title)

    async def docs() -> HTMLResponse:
        return HTMLResponse(swagger)

    async def redocs() -> HTMLResponse:
        return HTMLResponse(redoc)

    async def openapi() -> dict[str, object]:
        return app.openapi()

    for prefix in ("", f"/{service}_service"):
        router.add_api_route(f"{prefix}/docs", docs)
        router.add_api_route(f"{prefix}/redoc", redocs)
        router.add_api_route(f"{prefix}/openapi.json", openapi)
    app.include_router(router)
    mount_assets(app)
