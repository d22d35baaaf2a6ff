"""Webhooks of payment providers, and the dead letters of what could not be recorded."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse, Response

from financeops.core.contract import paths
from financeops.core.contract.agreements import JSON
from financeops.core.contract.forms import Instant
from financeops.core.contract.webhooks import DeadLetterAnswer, ReplayAnswer, WebhookAnswer
from financeops.core.errors import NotFound
from financeops.store.dead_letters import (
    DeadLetter,
    dead_letter,
    find_letter,
    forget_letter,
    keep_letters,
    list_letters,
)
from financeops.store.tenants import find_tenant
from server.dependencies import Here, Services
from server.http import examples
from server.http.bodies import read_json, refuse_body
from server.http.description import answers, body, header
from server.http.parameters import LetterId, LettersParameters, OfTenant, refuse_all
from server.http.problems import NotVerified, TooLarge
from server.http.responses import Json
from server.webhook_secrets import Provider
from server.webhooks.providers import SCHEMES
from server.webhooks.taking import record, take

router = APIRouter(tags=["webhooks"], default_response_class=Json)

MAX_EVENT = 1_000_000
"""Bytes of a webhook: more than any provider sends, and few enough to be kept."""

_LINK = header('The next page, if there is one: `</webhooks/dead-letters?…>; rel="next"`')


_ACCEPTED = answers(
    WebhookAnswer, 400, 404, 415, 503, meaning="Committed, or kept as a dead letter"
)
# As Adyen wants to be answered.
_ACCEPTED[200]["content"]["text/plain"] = {"schema": {"type": "string"}}


@router.get(
    paths.DEAD_LETTERS,
    summary="List Dead Letters",
    responses=answers(list[DeadLetterAnswer], 404, 503, headers={"Link": _LINK}),
)
async def dead_letters(services: Here, params: Annotated[LettersParameters, Query()]) -> Json:
    """What a tenant's providers told and could not be recorded, newest first."""
    found = await list_letters(
        services.db, params.tenant_id, limit=params.limit + 1, before=params.before
    )
    if not found:  # a tenant that does not exist is 404, not an empty list
        await find_tenant(services.db, params.tenant_id)
    headers = {}
    if len(found) > params.limit:
        found = found[: params.limit]
        query = {**params.model_dump(mode="json", by_alias=True), "before": found[-1].id}
        headers["Link"] = f'<{paths.DEAD_LETTERS}?{urlencode(query)}>; rel="next"'
    return Json([_answer(params.tenant_id, each) for each in found], headers=headers)


@router.post(
    paths.replay("{letter_id}"),
    summary="Replay a Dead Letter",
    responses=answers(ReplayAnswer, 404, 503),
    dependencies=[Depends(refuse_body)],
)
async def replay(services: Here, letter_id: LetterId, params: Annotated[OfTenant, Query()]) -> Json:
    """Try again to record what a dead letter tells; if that is done, it is forgotten."""
    kept = await find_letter(services.db, params.tenant_id, letter_id)
    reason = await record(services, params.tenant_id, kept.letter)
    if reason is None:
        await forget_letter(services.db, params.tenant_id, kept.id)
    else:
        again = dead_letter(params.tenant_id, kept.letter, reason, kept.at)
        await keep_letters(services.db, params.tenant_id, [again])
    return Json(ReplayAnswer(id=kept.id, recorded=reason is None, reason=reason))


@router.post(
    paths.webhook("{provider}", "{tenant_id}"),
    summary="Take a Webhook",
    dependencies=[Depends(refuse_all)],
    responses=_ACCEPTED,
    openapi_extra={"requestBody": body({JSON: {"type": "object"}}, example=examples.WEBHOOK)},
)
async def take_webhook(services: Here, provider: str, tenant_id: str, request: Request) -> Response:
    """Record what a payment provider tells, signed with a secret of the tenant.

    It may come in any order, late and more than once.
    """
    secrets = _secrets(services, provider, tenant_id)
    named = Provider(provider)
    text = await read_json(request, services)
    if len(text) > MAX_EVENT:
        raise TooLarge(MAX_EVENT)
    count = services.meters.webhooks
    try:
        letters = await services.verifier.letters_in(named, text, request.headers, secrets)
    except NotVerified:
        count.labels(provider, "refused").inc()
        raise
    reasons = []
    for letter in letters:
        reason = await take(services, tenant_id, letter)
        count.labels(provider, "recorded" if reason is None else "dead").inc()
        reasons.append(reason)
    if (acknowledged := SCHEMES[named].acknowledged) is not None:
        return PlainTextResponse(acknowledged)
    return Json(WebhookAnswer(event=letters[0].event, reason=reasons[0]))


def _secrets(services: Services, provider: str, tenant_id: str) -> list[str]:
    """Return the secrets of a tenant's webhook; raise `NotFound`, which tells no more than that."""
    secrets = services.settings.secrets_of(tenant_id, provider)
    if not secrets:
        raise NotFound("there is no such webhook")
    return secrets


def _answer(tenant_id: str, kept: DeadLetter) -> DeadLetterAnswer:
    return DeadLetterAnswer(
        id=kept.id,
        tenant_id=tenant_id,
        provider=kept.letter.provider,
        event=kept.letter.event,
        kind=kept.letter.kind,
        reason=kept.reason,
        at=Instant.of(kept.at),
        body=kept.letter.body,
    )
