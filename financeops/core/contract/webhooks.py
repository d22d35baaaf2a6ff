"""Webhooks of payment providers, and what of them could not be recorded."""

from __future__ import annotations

from msgspec import field

from financeops.core.contract.forms import Document, Time


class WebhookAnswer(Document, frozen=True, kw_only=True):
    """An event is recorded, or kept as a dead letter, whose `reason` says why it could not be."""

    event: str
    reason: str | None = None


class DeadLetterAnswer(Document, frozen=True, kw_only=True):
    """What a provider told and could not be recorded: its `event`, of a `kind`, as the `body` said it."""

    id: str = field(name="_id")
    tenant_id: str
    provider: str
    event: str
    kind: str | None = None
    reason: str
    at: Time
    body: str


class ReplayAnswer(Document, frozen=True, kw_only=True):
    """Whether a dead letter is `recorded` now, and so forgotten; else the `reason` why it is not."""

    id: str = field(name="_id")
    recorded: bool
    reason: str | None = None
