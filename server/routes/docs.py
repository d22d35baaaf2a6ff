"""The description of the API: a document, and a page that loads nothing from other hosts."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from importlib.resources import files

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, JSONResponse

from financeops.core.contract import paths
from financeops.core.contract.operations import HomeAnswer
from server.dependencies import Here
from server.http.description import answers, describe, page
from server.http.parameters import refuse_all
from server.http.responses import Json

router = APIRouter(tags=["description"], dependencies=[Depends(refuse_all)])

_ASSETS = "/static-offline-docs"


@router.get(paths.HOME, summary="Find the Documentation", responses=answers(HomeAnswer))
async def home(services: Here) -> Json:
    """Where the documentation of the API and the dashboard are."""
    return Json(
        HomeAnswer(
            name="FinanceOps",
            version=version("financeops"),
            documentation=paths.DOCS,
            dashboard=services.settings.dashboard_url,
        )
    )


@router.get("/openapi.json", summary="Read the Description", responses=answers(dict))
async def openapi(services: Here, request: Request) -> JSONResponse:
    """Return the description of the API as an OpenAPI document, for programs."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        # This takes a moment, once; other requests are answered meanwhile.
        app.openapi_schema = await asyncio.to_thread(
            describe, app, methods=services.settings.methods
        )
    return JSONResponse(app.openapi_schema)


@router.get(
    paths.DOCS,
    summary="Show the Description",
    response_class=HTMLResponse,
    responses=page("text/html; charset=utf-8"),
)
async def docs_page() -> HTMLResponse:
    """Return the description of the API as a page."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="FinanceOps",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )


def mount_assets(app: FastAPI) -> None:
    """Serve the files of the page."""
    folder = str(files("fastapi_offline") / "static")
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs-assets")
