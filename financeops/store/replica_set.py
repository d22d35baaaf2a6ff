"""A replica set of one, out of a mongod that runs alone: payments need transactions."""

from __future__ import annotations

import asyncio

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from financeops.store.connection import Document, driver_errors

NAME = "financeops"
"""As the command line of its mongod names it."""

_SECONDS = 20.0
_LOOK_EVERY = 0.1
_NOT_YET_INITIALIZED = 94


async def make(host: str, port: int) -> None:
    """Initiate it, or tell it where it listens now; returns when it takes writes.

    A member knows itself by its address. Where that changed, it is in no set any more, so it has to
    be told by force, which does no harm to a set of one.

    Raises
    ------
    Unavailable
        It did not take writes in time.
    """
    client: AsyncMongoClient[Document] = AsyncMongoClient(host, port, directConnection=True)
    admin = client.admin
    here = f"localhost:{port}"  # members are named, the manual says, not numbered
    async with client:
        with driver_errors(seconds=_SECONDS):
            try:
                config = (await admin.command("replSetGetConfig"))["config"]
            except OperationFailure as error:
                if error.code != _NOT_YET_INITIALIZED:
                    raise
                config = {"_id": NAME, "members": [{"_id": 0, "host": here}]}
                await admin.command("replSetInitiate", config)
            else:
                (member,) = config["members"]
                if member["host"] != here:
                    members = [{**member, "host": here}]
                    moved = {**config, "version": config["version"] + 1, "members": members}
                    await admin.command("replSetReconfig", moved, force=True)
            while not (await admin.command("hello")).get("isWritablePrimary"):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(_LOOK_EVERY)
