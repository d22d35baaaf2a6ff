"""Transactions: all or nothing, on one snapshot, repeated while they conflict with others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pymongo
from pymongo.errors import ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from financeops.core.errors import Unavailable
from financeops.store.database.connection import (
    Database,
    Session,
    driver_errors,
    failed_inside,
    why,
)
from financeops.store.database.patience import Patience
from financeops.store.database.sessions import end_later, writing_session
from financeops.store.database.turns import SHORT_PAUSE, is_conflict, turns_at

TRANSACTION_SECONDS = 10.0
"""Seconds that a transaction may take with all its repetitions."""

COMMIT_SECONDS = 15.0
"""Seconds spent on finding out whether a commit took effect: electing a primary takes 10 to 12."""

_SELECTION_SECONDS = 4.0
_ABORT_SECONDS = 1.0
_COMMIT_TRY_SECONDS, _COMMIT_PAUSE = 4.0, 0.25

_UNKNOWN = "UnknownTransactionCommitResult"

Result = TypeVar("Result")


class CommitUnknown(Unavailable):
    """It is not known whether a transaction was committed."""


async def in_transaction(
    db: Database,
    body: Callable[[Session], Awaitable[Result]],
    *,
    locks: str | None = None,
    seconds: float = TRANSACTION_SECONDS,
) -> Result:
    """Run `body` in a transaction on one snapshot; repeat it while it only conflicts with others.

    The driver's `with_transaction` is as patient with an unreachable database as with a conflict.
    Here callers know within seconds.

    Parameters
    ----------
    locks : str, optional
        The tenant to write to, whose lock the first statement takes. Without one, only read.

    Raises
    ------
    CommitUnknown
        No server answered to the commit, or it failed at it.
    Unavailable
        No server answers, or it conflicted until the time was over; nothing was committed.
    """
    doubt = _Doubt()
    try:
        with driver_errors(seconds=None):
            return await _until_committed(db, body, doubt, locks=locks, seconds=seconds)
    except (Unavailable, PyMongoError) as error:
        if doubt.arisen:
            reason = why(error) if isinstance(error, PyMongoError) else str(error)
            raise CommitUnknown(reason) from error
        raise


@dataclass
class _Doubt:
    """Whether an earlier commit may have taken effect: no later failure tells that it has not."""

    arisen: bool = False


async def _until_committed(
    db: Database,
    body: Callable[[Session], Awaitable[Result]],
    doubt: _Doubt,
    *,
    locks: str | None,
    seconds: float,
) -> Result:
    patience = Patience(seconds)
    await _wait_for_server(db)
    turns = turns_at(db)
    if locks is not None:
        await turns.give_way(locks)
    async with writing_session(db) if locks else db.client.start_session() as session:
        while True:
            try:
                result = await _attempt(session, body, patience, doubt)
            except PyMongoError as error:
                transient = error.has_error_label("TransientTransactionError")
                if not transient or patience.over:
                    open_still = error.timeout or isinstance(error, ConnectionFailure)
                    if locks and (open_still or failed_inside(error)):
                        end_later(db, session)
                    raise
                conflict = is_conflict(error)
            else:
                if locks is not None:
                    turns.done(locks)
                return result
            if locks is not None and conflict:
                turns.meet(locks)
                await patience.pause(longest=SHORT_PAUSE)
            else:
                await patience.pause()
            await _wait_for_server(db)


async def _wait_for_server(db: Database) -> None:
    with pymongo.timeout(_SELECTION_SECONDS):
        await db.client.is_primary  # costs no request while the server answers


async def _attempt(
    session: Session,
    body: Callable[[Session], Awaitable[Result]],
    patience: Patience,
    doubt: _Doubt,
) -> Result:
    await session.start_transaction(read_concern=ReadConcern("snapshot"))
    try:
        with pymongo.timeout(patience.left):
            result = await body(session)
    except BaseException:
        with pymongo.timeout(_ABORT_SECONDS):
            await session.abort_transaction()
        raise
    await _commit(session, doubt)
    return result


async def _commit(session: Session, doubt: _Doubt) -> None:
    """Commit, repeatedly while it is not known whether that took effect: repeating does no harm."""
    patience = Patience(COMMIT_SECONDS)
    while True:
        try:
            with pymongo.timeout(_COMMIT_TRY_SECONDS):
                await session.commit_transaction()
        except PyMongoError as error:
            unknown = error.has_error_label(_UNKNOWN) or failed_inside(error)
            doubt.arisen = doubt.arisen or unknown
            if not unknown or patience.over:
                raise
        else:
            return
        await asyncio.sleep(_COMMIT_PAUSE)
