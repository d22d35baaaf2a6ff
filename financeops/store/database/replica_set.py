"""A replica set of one, with one user, out of a mongod that runs alone: payments need transactions."""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

from financeops.store.database.connection import Document, driver_errors

NAME = "financeops"
"""As the command line of its mongod names it."""

_SECONDS = 20.0
_LOOK_EVERY = 0.1
_AUTHENTICATION_FAILED = 18
_ALREADY_INITIALIZED = 23


async def make(uri: str) -> None:
    """Initiate it and make the user that the URI names, or tell it where it listens now.

    Returns when it takes writes. Until there is a user, mongod lets who asks from this machine do
    just that. A member knows itself by its address: where that changed, it is in no set any more,
    so it has to be told by force, which does no harm to a set of one.

    Raises
    ------
    Unavailable
        It did not take writes in time.
    """
    named = parse_uri(uri)
    ((host, port),) = named["nodelist"]
    here = f"localhost:{port}"  # members are named, the manual says, not numbered
    with driver_errors(seconds=_SECONDS):
        async with AsyncMongoClient[Document](uri) as client:
            try:
                config = (await client.admin.command("replSetGetConfig"))["config"]
            except OperationFailure as error:
                if error.code != _AUTHENTICATION_FAILED:
                    raise
            else:
                await _stay(client.admin, config, here)
                return
        async with AsyncMongoClient[Document](host, port, directConnection=True) as client:
            await _begin(client.admin, here, named["username"], named["password"])


async def _begin(admin: AsyncDatabase[Document], here: str, user: str, password: str) -> None:
    """Make it a set, and then its user: only who takes writes can."""
    config = {"_id": NAME, "members": [{"_id": 0, "host": here}]}
    try:
        await admin.command("replSetInitiate", config)
    except OperationFailure as error:  # by a start that ended just here
        if error.code != _ALREADY_INITIALIZED:
            raise
    await _until_it_takes_writes(admin)
    await admin.command("createUser", user, pwd=password, roles=["root"])


async def _stay(admin: AsyncDatabase[Document], config: dict[str, Any], here: str) -> None:
    """Have it be reached where it listens now."""
    (member,) = config["members"]
    if member["host"] != here:
        members = [{**member, "host": here}]
        moved = {**config, "version": config["version"] + 1, "members": members}
        await admin.command("replSetReconfig", moved, force=True)
    await _until_it_takes_writes(admin)


async def _until_it_takes_writes(admin: AsyncDatabase[Document]) -> None:
    while not (await admin.command("hello")).get("isWritablePrimary"):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(_LOOK_EVERY)
