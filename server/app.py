"""The application: wiring only."""

from __future__ import annotations

from importlib.metadata import version

import socketio
from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY
from server.dependencies import Services
from server.http import problems
from server.http.bodies import refuse_large_body
from server.http.hosts import Hosts, RefuseForeignHosts
from server.http.origins import THIS_COMPUTER, RefuseForeignPages, RefuseHiddenPages
from server.http.parameters import refuse_repeated
from server.http.security import SecurityHeaders
from server.http.upgrades import RefuseHalfUpgrades
from server.live.packets import RefuseEndedSessions
from server.monitoring import MeasureRequests
from server.routes import (
    acts,
    analytics,
    batch,
    docs,
    export,
    first_history,
    health,
    history,
    imports,
    payments,
    rates,
    seed,
    tenants,
    verify,
    webhooks,
)

_ABOUT = f"""Live payment analytics.

Amounts are numbers in major units (`1850.5`), times ISO 8601 with a time zone. Errors are
`application/problem+json` (RFC 9457). Live events come over Socket.IO at `{paths.STREAM}`.
"""


PARTS = (
    *(analytics, export, history, first_history, seed, batch),
    *(payments, acts, imports, rates, tenants, webhooks, verify, health, docs),
)
"""The modules that have the routes; the first match answers."""


def create_app(services: Services) -> ASGIApp:
    """Return the application: REST and stream on one port."""
    api = FastAPI(
        # `routes/docs.py` serves the page and the document, described like all other routes.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        title="FinanceOps",
        version=version("financeops"),
        description=_ABOUT,
        redirect_slashes=False,
        dependencies=[Depends(refuse_repeated), Depends(refuse_large_body)],
    )
    api.state.services = services
    problems.install(api)
    for part in PARTS:
        api.include_router(part.router)
    docs.mount_assets(api)

    origins = services.origins
    api.add_middleware(RefuseForeignPages, origins=origins)
    api.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins.allowed),
        allow_origin_regex=THIS_COMPUTER,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", IDEMPOTENCY_KEY, "Authorization"],
        expose_headers=["Link", "Location", "Retry-After", "Content-Disposition"],
    )
    api.add_middleware(MeasureRequests, meters=services.meters)
    app: ASGIApp = socketio.ASGIApp(services.sio, other_asgi_app=api, socketio_path=paths.STREAM)
    app = RefuseEndedSessions(app, services.sio)
    app = RefuseHiddenPages(RefuseHalfUpgrades(app), origins)
    return SecurityHeaders(RefuseForeignHosts(app, Hosts(services.settings.allowed_hosts)))
