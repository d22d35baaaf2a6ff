"""Opening the database, and the one place where driver errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any, TypeAlias

import pymongo
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from financeops.core.errors import Misconfigured, Unavailable

Document: TypeAlias = dict[str, Any]
Database: TypeAlias = AsyncDatabase[Document]
Session: TypeAlias = AsyncClientSession

DEFAULT_DATABASE = "financeops"
URI_SETTING = "FINANCEOPS_MONGODB_URI"

_AUTHENTICATION_FAILED = {13, 18}
_STAND_ALONE = (
    f"{URI_SETTING} names a stand-alone MongoDB, but payments need transactions: start it with "
    "`mongod --replSet rs0` and run `rs.initiate()` once, or name a replica set or mongos"
)


async def connect(uri: str, *, timeout: float = 5.0) -> Database:  # noqa: ASYNC109 - the driver's
    """Open the database that a MongoDB URI names.

    Parameters
    ----------
    uri : str
        ``mongodb://`` or ``mongodb+srv://``; its path is the database, `DEFAULT_DATABASE`
        without one.
    timeout : float
        Seconds that an operation may wait for a reachable server.

    Raises
    ------
    Misconfigured
        The URI is malformed, the server refuses us, or it cannot do transactions.
    Unavailable
        No server answers.
    """
    try:
        client: AsyncMongoClient[Document] = AsyncMongoClient(
            uri,
            tz_aware=True,
            tzinfo=UTC,
            appname="financeops",
            retryWrites=True,
            w="majority",
            journal=True,
            serverSelectionTimeoutMS=round(timeout * 1000),
            connectTimeoutMS=round(timeout * 1000),
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise Misconfigured(f"{URI_SETTING} is not a MongoDB URI: {error}") from None
    try:
        with driver_errors():
            hello = await client.admin.command("hello")
    except OperationFailure as error:
        await client.close()
        if error.code in _AUTHENTICATION_FAILED:
            raise Misconfigured(f"{URI_SETTING}: the database refuses this user") from None
        raise
    except Unavailable:
        await client.close()
        raise
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        await client.close()
        raise Misconfigured(_STAND_ALONE)
    return client.get_default_database(DEFAULT_DATABASE)


async def ping(db: Database) -> None:
    """Raise `Unavailable` unless the database answers."""
    with driver_errors():
        await db.client.admin.command("ping")


async def close(db: Database) -> None:
    """Close every connection."""
    await db.client.close()


@contextmanager
def driver_errors(*, seconds: float = 10.0) -> Iterator[None]:
    """Bound the driver's calls within, and raise `Unavailable` where trying later may help."""
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        if _may_pass(error):
            raise Unavailable("the database cannot be reached now") from error
        raise


@contextmanager
def unreachable() -> Iterator[None]:
    """Within a transaction: give up as soon as no server answers.

    The driver would repeat the transaction until its time is over; callers shall know earlier.
    """
    try:
        yield
    except ServerSelectionTimeoutError as error:
        raise Unavailable("the database cannot be reached now") from error


def _may_pass(error: PyMongoError) -> bool:
    passing = (ConnectionFailure, ExecutionTimeout, WTimeoutError)
    return (
        isinstance(error, passing)
        or error.timeout
        or any(
            error.has_error_label(label)
            for label in ("TransientTransactionError", "RetryableWriteError")
        )
    )
