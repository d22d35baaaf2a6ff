"""The services of the running server, as a parameter of routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import socketio
from fastapi import Depends, Request

from financeops.store.database.connection import Database
from financeops.store.reading.reader import Reader
from server.converting import Converter
from server.first_history import FirstHistory
from server.http.origins import Origins
from server.intake import Intake
from server.live.fanout import Fanout
from server.live.publisher import Publisher
from server.monitoring import Meters
from server.settings import Settings
from server.tenants import Tenants
from server.verifying import Verifications
from server.webhooks.providers import Verifier


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """The parts of the running server that routes use."""

    settings: Settings
    db: Database
    tenants: Tenants
    reader: Reader
    intake: Intake
    first_history: FirstHistory
    verifications: Verifications
    publisher: Publisher
    fanout: Fanout
    sio: socketio.AsyncServer
    origins: Origins
    meters: Meters
    converter: Converter
    verifier: Verifier = field(default_factory=Verifier)
    now: Callable[[], datetime] = utc_now
    seeding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def settle(self) -> None:
        """Commit what was accepted and publish it to every listener, before the server stops."""
        await self.verifications.close()
        await self.intake.drain()
        await self.publisher.catch_up_all()
        self.fanout.flush()


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Here = Annotated[Services, Depends(_services)]
"""The services, as a parameter of a route."""
