"""Imports of files: start, finish, list and take back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request

from financeops.core.checks import refuse_card_number, refuse_control_characters
from financeops.core.contract import paths
from financeops.core.contract.agreements import JSON
from financeops.core.contract.forms import Instant
from financeops.core.contract.imports import (
    FinishRequest,
    ImportAnswer,
    ImportCounts,
    StartRequest,
)
from financeops.core.errors import InvalidValue
from financeops.core.reading import read_once
from financeops.store.tenants import find_tenant
from financeops.store.writing.imports import (
    Import,
    find_import,
    finish_import,
    list_imports,
    start_import,
)
from server.dependencies import Here
from server.http import examples
from server.http.bodies import read_json, refuse_body
from server.http.description import answers, body, schema_of
from server.http.parameters import ImportId, ImportParameters, OfTenant, refuse_all
from server.http.responses import Json
from server.tenants import tenant_id_of
from server.undoing import undo

router = APIRouter(tags=["imports"], default_response_class=Json)

MAX_OPTIONS = 65_536
"""Bytes of the options of an import, which are kept with it."""

_start = msgspec.json.Decoder(StartRequest)
_finish = msgspec.json.Decoder(FinishRequest)


@router.post(
    paths.IMPORTS,
    summary="Start an Import",
    status_code=201,
    dependencies=[Depends(refuse_all)],
    responses={
        **answers(ImportAnswer, 415, 503, status=201),
        **answers(ImportAnswer, meaning="The same import was interrupted and is resumed"),
    },
    openapi_extra={"requestBody": body({JSON: schema_of(StartRequest)}, example=examples.START)},
)
async def start(services: Here, request: Request) -> Json:
    """Start an import; the batches of its rows name its id."""
    params = read_once(_start, await read_json(request, services))
    _check(params.file, "file")
    if len(msgspec.json.encode(params.options)) > MAX_OPTIONS:
        raise InvalidValue("options", f"must not be larger than {MAX_OPTIONS} bytes of JSON")
    for name, value in params.options.items():
        for text in value if isinstance(value, list) else [str(value)]:
            _check(text, f"options.{name}")
    found, new = await start_import(
        services.db,
        tenant_id_of(params.tenant_id),
        file=params.file,
        size=None if params.size is None else int(params.size),
        options=params.options,
        now=services.now(),
    )
    return Json(_answer(found), status_code=201 if new else 200)


@router.get(paths.IMPORTS, summary="List Imports", responses=answers(list[ImportAnswer], 404, 503))
async def imports(services: Here, params: Annotated[OfTenant, Query()]) -> Json:
    """A tenant's imports, newest first."""
    found = await list_imports(services.db, params.tenant_id)
    if not found:
        await find_tenant(
            services.db, params.tenant_id
        )  # a tenant that does not exist is 404, not an empty list
    return Json([_answer(each) for each in found])


@router.get(
    paths.one_import("{import_id}"),
    summary="Read an Import",
    responses=answers(ImportAnswer, 404, 503),
)
async def one(
    services: Here, import_id: ImportId, params: Annotated[ImportParameters, Query()]
) -> Json:
    """One import."""
    return Json(_answer(await find_import(services.db, import_id, params.tenant_id)))


@router.post(
    paths.finish("{import_id}"),
    summary="Finish an Import",
    responses=answers(ImportAnswer, 404, 409, 415, 503),
    openapi_extra={"requestBody": body({JSON: schema_of(FinishRequest)}, example=examples.FINISH)},
)
async def finish(
    services: Here,
    import_id: ImportId,
    request: Request,
    params: Annotated[ImportParameters, Query()],
) -> Json:
    """Note that all rows were sent; if repeated, the last numbers count."""
    counts = read_once(_finish, await read_json(request, services))
    found = await find_import(services.db, import_id, params.tenant_id)
    done = await finish_import(
        services.db,
        found.id,
        duplicate=int(counts.duplicate),
        conflict=int(counts.conflict),
        rejected=int(counts.rejected),
        now=services.now(),
    )
    return Json(_answer(done))


@router.post(
    paths.undo("{import_id}"),
    summary="Take Back an Import",
    responses=answers(ImportAnswer, 404, 409, 503),
    dependencies=[Depends(refuse_body)],
)
async def take_back(
    services: Here, import_id: ImportId, params: Annotated[ImportParameters, Query()]
) -> Json:
    """Take an import back, exactly; 409 if later changes depend on it; repeated: the same answer."""
    return Json(_answer(await undo(services, import_id, params.tenant_id)))


def _check(text: str, field: str) -> None:
    refuse_control_characters(text, field)
    refuse_card_number(text, field)


def _answer(found: Import) -> ImportAnswer:
    return ImportAnswer(
        id=found.id,
        tenant_id=found.tenant_id,
        file=found.file,
        size=found.size,
        options=found.options,
        state=found.state.value,
        started_at=Instant.of(found.started_at),
        finished_at=None if found.finished_at is None else Instant.of(found.finished_at),
        undone_at=None if found.undone_at is None else Instant.of(found.undone_at),
        counts=ImportCounts(**msgspec.structs.asdict(found.counts)),
    )
