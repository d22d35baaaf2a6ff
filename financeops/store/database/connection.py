"""Open the database; here, and only here, driver errors become FinanceOps' own."""

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
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    CursorNotFound,
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

OPERATION_SECONDS = 5.0
"""Seconds that a read or write may take, including the wait for a server."""

MAX_IDS = 100
"""Most ids in one `$in`: long lists are slow on the embedded database."""

NOT_ALLOWED = {13, 8000}
"""Unauthorized; Atlas has a code of its own for that, and for a wrong password."""

_AUTHENTICATION_FAILED = {18, *NOT_ALLOWED}
_PASSING_CODES = {
    # The network within the cluster, and elections. The driver itself reports the end of a primary.
    6,  # HostUnreachable
    7,  # HostNotFound
    89,  # NetworkTimeout
    133,  # FailedToSatisfyReadPreference
    134,  # ReadConcernMajorityNotAvailableYet
    202,  # NetworkInterfaceExceededTimeLimit
    9001,  # SocketException
    # Too slow, too much load, or interrupted from outside.
    262,  # ExceededTimeLimit
    290,  # TransactionExceededLifetimeLimitSeconds
    365,  # TemporarilyUnavailable
    433,  # AdmissionQueueOverflow
    449,  # RateLimitExceeded
    450,  # PooledConnectionAcquisitionRejected
    462,  # IngressRequestRateLimitExceeded
    11601,  # Interrupted
}
"""Errors of mongod and mongos that pass by themselves (mongo/base/error_codes.yml)."""

_INTERNAL_ERROR = 1
_DISK_FULL = 14031  # OutOfDiskSpace
_STAND_ALONE = (
    f"{URI_SETTING} names a stand-alone MongoDB, but payments need transactions: start it with "
    "`mongod --replSet rs0` and run `rs.initiate()` once, or name a replica set or mongos"
)


async def connect(
    uri: str,
    *,
    timeout: float = OPERATION_SECONDS,  # noqa: ASYNC109 - the driver's
) -> Database:
    """Open the database that a MongoDB URI names.

    Parameters
    ----------
    uri : str
        ``mongodb://`` or ``mongodb+srv://``; its path is the database, `DEFAULT_DATABASE`
        without one.
    timeout : float
        Seconds to wait for a server now.

    Raises
    ------
    Misconfigured
        The URI is malformed, the server refuses the user, or it does not support transactions.
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
            # Displayed figures must not be rolled back, nor be older than those displayed before.
            readConcernLevel="majority",
            readPreference="primary",
            serverSelectionTimeoutMS=round(timeout * 1000),
            connectTimeoutMS=round(timeout * 1000),
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise Misconfigured(f"{URI_SETTING} is not a MongoDB URI: {error}") from None
    try:
        with driver_errors(seconds=timeout):
            hello = await client.admin.command("hello")
    except ConfigurationError as error:  # names of a mongodb+srv:// URI are looked up here
        await client.close()
        raise Misconfigured(f"{URI_SETTING} names no database: {error}") from None
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
def driver_errors(
    *, seconds: float | None = OPERATION_SECONDS, session: Session | None = None
) -> Iterator[None]:
    """Limit the time of the driver's calls; raise `Unavailable` where trying later may help.

    Without `seconds` an operation may take as long as it needs, but does not wait longer for a
    server. Within a transaction both are left to `in_transaction`, which must see what may be
    repeated.
    """
    if session is not None and session.in_transaction:
        yield
        return
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        if _may_pass(error):
            raise Unavailable(why(error)) from error
        raise


def why(error: PyMongoError) -> str:
    """Say why the database failed for now, in a sentence."""
    if error.timeout and not isinstance(error, ServerSelectionTimeoutError):
        return "the database does not answer in time: it is busy or has stalled"
    codes = _codes(error)
    if _DISK_FULL in codes:
        return "the disk of the database is full: make room there"
    if _INTERNAL_ERROR in codes:
        return "the database has failed, as it does when its disk is full: its log has the details"
    return "the database cannot be reached now"


def failed_inside(error: PyMongoError) -> bool:
    """Whether the database reports a failure of its own: what it did until then is not known.

    The embedded database answers so to a commit that it could not write, or not wholly.
    """
    return _INTERNAL_ERROR in _codes(error)


def _codes(error: PyMongoError) -> set[int | None]:
    """Return the code of an error, and those of the writes in it."""
    if not isinstance(error, OperationFailure):
        return set()
    writes = (
        (error.details or {}).get("writeErrors", ()) if isinstance(error, BulkWriteError) else ()
    )
    return {error.code, *(each["code"] for each in writes)}


def _may_pass(error: PyMongoError) -> bool:
    passing = (ConnectionFailure, CursorNotFound, ExecutionTimeout, WTimeoutError)
    return (
        isinstance(error, passing)
        or error.timeout
        or not _codes(error).isdisjoint(_PASSING_CODES | {_INTERNAL_ERROR, _DISK_FULL})
        or any(
            error.has_error_label(label)
            for label in ("TransientTransactionError", "RetryableWriteError")
        )
    )
