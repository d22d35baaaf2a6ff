"""Every payment of a query as a file, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from financeops.core.payments import Payment
from financeops.store.queries import export_payments
from server import examples
from server.exporting import Writer, media_type_of, writer_of
from server.lifespan import Here
from server.parameters import ExportParameters

router = APIRouter(prefix="/payments", tags=["payments"])

_NOTHING: list[Payment] = []
_FILE = {
    "description": "The file",
    "content": {
        media_type_of(name): {"schema": {"type": "string", "format": "binary"}}
        for name in ("csv", "ndjson", "parquet", "arrow")
    },
}


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={**examples.answers(None, 404, 422, 503), 200: _FILE},
)
async def export(here: Here, asked: Annotated[ExportParameters, Query()]) -> StreamingResponse:
    """All payments of the query, oldest first; amounts are exact in every format."""
    chunks = export_payments(here.db, asked.tenant_id, asked.chosen())
    # Read before the answer begins: what is wrong can then still be said.
    first = await anext(chunks, _NOTHING)
    name = f"payments-{asked.tenant_id}.{asked.format}"
    return StreamingResponse(
        _file(first, chunks, writer_of(asked.format)),
        media_type=media_type_of(asked.format),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _file(
    first: list[Payment], others: AsyncIterator[list[Payment]], writer: Writer
) -> AsyncIterator[bytes]:
    # If the database goes away now, the error breaks the connection off: no half file looks whole.
    yield await run_in_threadpool(writer.write, first)
    async for chunk in others:
        yield await run_in_threadpool(writer.write, chunk)
    yield await run_in_threadpool(writer.finish)
