"""Export the payments of a query as a file, streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from financeops.arrow.writing import Writer
from financeops.core.contract import paths
from server.dependencies import Here
from server.exporting import FORMATS
from server.http.description import header, refusals
from server.http.parameters import ExportParameters
from server.methods import check_method

router = APIRouter(tags=["payments"])

Chunk = TypeVar("Chunk")

BINARY = {"format": "binary"}
_FILE = {
    "description": "The file",
    "content": {
        each.media_type: {"schema": {"type": "string", **({} if each.is_text else BINARY)}}
        for each in FORMATS.values()
    },
    "headers": {"Content-Disposition": header("Names the file", required=True)},
}


@router.get(
    paths.EXPORT,
    summary="Export Payments",
    response_class=StreamingResponse,
    responses={**refusals(404, 503), 200: _FILE},
)
async def export(services: Here, params: Annotated[ExportParameters, Query()]) -> StreamingResponse:
    """Return all payments of the query, oldest first; amounts are exact in every format."""
    await check_method(services, params.tenant_id, params.method)
    form = FORMATS[params.format]
    chunks = form.read(services.db, params.tenant_id, params.selection())
    # Read before the answer begins, while an error can still be reported.
    first = await anext(chunks, form.nothing)
    name = f"payments-{params.tenant_id}.{params.format}"
    return StreamingResponse(
        _file(first, chunks, form.writer()),
        media_type=form.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _file(
    first: Chunk, others: AsyncGenerator[Chunk, None], writer: Writer[Chunk]
) -> AsyncIterator[bytes]:
    # If the database goes away now, the error breaks the connection, so that a partial file does not look complete.
    async with aclosing(others):
        yield await run_in_threadpool(writer.write, first)
        async for chunk in others:
            yield await run_in_threadpool(writer.write, chunk)
        yield await run_in_threadpool(writer.finish)
