"""The providers whose webhooks are taken: how each signs its bodies, and what they tell.

The providers' own libraries verify. They are imported when the first body comes, because they take long.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from financeops.core.checks import check_key
from financeops.core.errors import InvalidValue
from financeops.core.webhooks import adyen, standard, stripe
from financeops.core.webhooks.told import Told
from financeops.store.dead_letters import Letter
from server.http.problems import NotVerified
from server.webhook_secrets import Provider

MAX_AGE = 300
"""Seconds after which a signed body is too old, if its scheme has a time."""

Headers = Mapping[str, str]
Verify = Callable[[bytes, Headers, Sequence[str]], list[Letter]]
"""From body, headers and secrets to what was said; raises `NotVerified`."""


class Scheme(Struct, frozen=True, kw_only=True):
    """How the webhooks of a provider are verified and read, and the text that acknowledges one, if it wants one."""

    load: Callable[[], Verify]
    told_by: Callable[..., list[Told]]
    acknowledged: str | None = None


class Verifier:
    """Verifies bodies, each provider by its own library."""

    def __init__(self) -> None:
        self._loaded: dict[Provider, Verify] = {}

    async def letters_in(
        self, provider: Provider, body: bytes, headers: Headers, secrets: Sequence[str]
    ) -> list[Letter]:
        """Return what a body says; raise `NotVerified` if none of the secrets signed it."""
        verify = self._loaded.get(provider)
        if verify is None:
            # In a thread: for some it takes a second.
            verify = await asyncio.to_thread(SCHEMES[provider].load)
            self._loaded[provider] = verify
        return verify(body, headers, secrets)


def told_by(letter: Letter, now: datetime) -> list[Told]:
    """What a letter tells of payments; raises `InvalidValue`."""
    scheme = SCHEMES[Provider(letter.provider)]
    return scheme.told_by(letter.body.encode(), event=letter.event, now=now)


def _standard() -> Verify:
    from standardwebhooks import Webhook, WebhookVerificationError  # noqa: PLC0415 - see above

    def verify(body: bytes, headers: Headers, secrets: Sequence[str]) -> list[Letter]:
        def signed(secret: str) -> bool:
            try:
                Webhook(secret).verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError):  # what is no signature at all
                return False
            return True

        if not any(map(signed, secrets)):
            raise NotVerified
        kind = standard.kind_in(body)
        return [_letter(Provider.STANDARD, headers["webhook-id"], kind, body)]

    return verify


def _stripe() -> Verify:
    from stripe import SignatureVerificationError, WebhookSignature  # noqa: PLC0415 - see above

    def verify(body: bytes, headers: Headers, secrets: Sequence[str]) -> list[Letter]:
        signature = headers.get("stripe-signature")

        def signed(secret: str) -> bool:
            try:
                WebhookSignature.verify_header(body, signature, secret, tolerance=MAX_AGE)
            except (SignatureVerificationError, ValueError, TypeError):  # no signature at all
                return False
            return True

        if not any(map(signed, secrets)):
            raise NotVerified
        event, kind = stripe.head_of(body)
        return [_letter(Provider.STRIPE, event, kind, body)]

    return verify


def _adyen() -> Verify:
    from Adyen.util import is_valid_hmac_notification  # noqa: PLC0415 - see above

    def verify(body: bytes, headers: Headers, secrets: Sequence[str]) -> list[Letter]:
        del headers

        def signed(item: bytes, secret: str) -> bool:
            try:
                # One by one, and wrapped again: of several it checks the first alone, and of an item
                # that looks like a notification what is in it.
                alone = {"notificationItems": [{"NotificationRequestItem": json.loads(item)}]}
                return bool(is_valid_hmac_notification(alone, secret))
            except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
                return False

        items = adyen.items_in(body)
        if not items or not all(any(signed(item, each) for each in secrets) for item in items):
            raise NotVerified
        return [_letter(Provider.ADYEN, *adyen.head_of(item), item) for item in items]

    return verify


def _letter(provider: Provider, event: str | None, kind: str | None, body: bytes) -> Letter:
    """What was said; without a name that can be kept, its digest names it."""
    try:
        named = check_key(event or "", "event")
    except InvalidValue:
        named = hashlib.sha256(event.encode() if event else body).hexdigest()
    return Letter(provider=provider.value, event=named, kind=kind, body=body.decode())


SCHEMES: dict[Provider, Scheme] = {
    Provider.STANDARD: Scheme(load=_standard, told_by=standard.told_by),
    Provider.STRIPE: Scheme(load=_stripe, told_by=stripe.told_by),
    Provider.ADYEN: Scheme(load=_adyen, told_by=adyen.told_by, acknowledged="[accepted]"),
}
"""How each provider's webhooks are taken."""
