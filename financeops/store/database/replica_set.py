"""Turn a single mongod into a replica set of one, with one user: payments need transactions."""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

from financeops.store.database.connection import Document, driver_errors

NAME = "financeops"
"""Name of the replica set, as on the command line of its mongod."""

_SECONDS = 20.0
_LOOK_EVERY = 0.1
_AUTHENTICATION_FAILED = 18
_ALREADY_INITIALIZED = 23


async def make(uri: str) -> None:
    """Initiate it and create the user that the URI names, or give it its new address.

    Returns when it accepts writes. Until there is a user, mongod lets clients on this machine
    create one. A member recognises itself by its address: if that changed, it no longer belongs to
    its set and must be reconfigured by force, which does no harm to a set of one.

    Raises
    ------
    Unavailable
        It did not accept writes in time.
    """
    named = parse_uri(uri)
    ((host, port),) = named["nodelist"]
    address = f"localhost:{port}"  # the manual says to give members' names, not IP addresses
    with driver_errors(seconds=_SECONDS):
        async with AsyncMongoClient[Document](uri) as client:
            try:
                config = (await client.admin.command("replSetGetConfig"))["config"]
            except OperationFailure as error:
                if error.code != _AUTHENTICATION_FAILED:
                    raise
            else:
                await _readdress(client.admin, config, address)
                return
        async with AsyncMongoClient[Document](host, port, directConnection=True) as client:
            await _initiate(client.admin, address, named["username"], named["password"])


async def _initiate(admin: AsyncDatabase[Document], address: str, user: str, password: str) -> None:
    """Initiate the set, and then create its user, for which it must accept writes."""
    config = {"_id": NAME, "members": [{"_id": 0, "host": address}]}
    try:
        await admin.command("replSetInitiate", config)
    except OperationFailure as error:  # already done by a start that ended at this point
        if error.code != _ALREADY_INITIALIZED:
            raise
    await _until_it_accepts_writes(admin)
    await admin.command("createUser", user, pwd=password, roles=["root"])


async def _readdress(admin: AsyncDatabase[Document], config: dict[str, Any], address: str) -> None:
    """Give the set's member the address at which it listens now."""
    (member,) = config["members"]
    if member["host"] != address:
        members = [{**member, "host": address}]
        moved = {**config, "version": config["version"] + 1, "members": members}
        await admin.command("replSetReconfig", moved, force=True)
    await _until_it_accepts_writes(admin)


async def _until_it_accepts_writes(admin: AsyncDatabase[Document]) -> None:
    while not (await admin.command("hello")).get("isWritablePrimary"):  # noqa: ASYNC110 - no event
        await asyncio.sleep(_LOOK_EVERY)
