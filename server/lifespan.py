"""The parts that live as long as the server: database, intake, publisher, stream, simulation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.store.database.connection import Database, close, connect
from financeops.store.migrating import migrate
from financeops.store.reading.reader import Reader
from financeops.store.reporting_rates import choose
from financeops.store.schema import prepare
from financeops.tasks import end
from server.converting import Converter
from server.dependencies import Services, utc_now
from server.first_history import FirstHistory
from server.housekeeping import collect_gone, keep_house
from server.http.origins import Origins
from server.intake import Intake
from server.live.fanout import Fanout
from server.live.publisher import Publisher
from server.live.stream import Stream, socket_server
from server.monitoring import Meters
from server.settings import Settings
from server.simulation import Simulation
from server.tenants import Tenants
from server.verifying import Verifications

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Services]:
    """Open the database and start everything; raise `Misconfigured` or `Unavailable`."""
    db = await connect(settings.mongodb_uri.get_secret_value(), timeout=settings.database_timeout)
    try:
        ttl = timedelta(hours=settings.changes_hours)
        usual = settings.tenant(DEFAULT_TENANT)
        await prepare(db, settings.configured_tenants(), usual=usual)
        await choose(db, settings.rates_source)
        await migrate(db, announce=_announce_recount)
        services = _assemble(settings, db, now)
        work: list[Coroutine[Any, Any, None]] = [
            services.fanout.run(),
            services.publisher.beat(settings.heartbeat_seconds),
            services.converter.run(),
            keep_house(db, now=now, changes_ttl=ttl),
            collect_gone(lambda: services.fanout.gone),
        ]
        if settings.simulate:
            pace = services.first_history.current_pace
            work.append(Simulation(settings, services.intake, now=now, pace=pace).run())
        await services.first_history.resume()
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield services
        finally:
            await services.first_history.stop()
            await services.settle()
            await services.publisher.stop()
            await end(tasks)
            await services.sio.shutdown()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    task.result()
    finally:
        await close(db)


def _announce_recount(tenant_id: str) -> None:
    # `up` shows what begins so.
    logger.info("financeops: recounting the payments of %s once, for this version", tenant_id)


def _assemble(settings: Settings, db: Database, now: Callable[[], datetime]) -> Services:
    meters = Meters()
    origins = Origins(settings.allowed_origins)
    sio = socket_server(origins.allows)
    fanout = Fanout(sio)

    publisher = Publisher(db, fanout, now=now, meters=meters)
    intake = Intake(
        db,
        now=now,
        max_waiting=settings.max_waiting,
        committed=publisher.wake,
        meters=meters,
    )
    Stream(
        sio,
        db=db,
        publisher=publisher,
        fanout=fanout,
        max_missed=settings.max_missed_events,
        heartbeat_seconds=settings.heartbeat_seconds,
        now=now,
    )
    meters.watch("stream_clients", "Connected clients", lambda: fanout.clients)
    meters.watch("waiting_operations", "Operations waiting for a commit", lambda: intake.waiting)
    meters.watch_total(
        "stream_raw_writes",
        "Writes of a tick's events directly to a client's connection",
        lambda: fanout.raw_writes,
    )
    meters.watch_total(
        "stream_fallback_writes",
        "Writes of a tick's events through engine.io's queue",
        lambda: fanout.fallback_writes,
    )
    meters.watch_total(
        "stream_cut_offs", "Clients cut off because they stopped reading", lambda: fanout.cut_offs
    )
    tenants = Tenants(db, settings)
    reader = Reader(db)
    verifications = Verifications(db, reader, now=now)
    meters.watch(
        "verifications", "Verifications running or waiting", lambda: verifications.admitted
    )
    return Services(
        settings=settings,
        db=db,
        tenants=tenants,
        reader=reader,
        intake=intake,
        first_history=FirstHistory(settings, db, tenants=tenants, intake=intake, now=now),
        verifications=verifications,
        publisher=publisher,
        fanout=fanout,
        sio=sio,
        origins=origins,
        meters=meters,
        converter=Converter(db, tenants=tenants, intake=intake),
        now=now,
    )
