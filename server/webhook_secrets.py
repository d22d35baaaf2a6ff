"""Secrets by which payment providers sign their webhooks, as a setting: per tenant and provider."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr


class Provider(StrEnum):
    """Payment providers whose webhooks are taken."""

    STANDARD = "standard"
    STRIPE = "stripe"
    ADYEN = "adyen"


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _are_there(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not secrets or not all(each.get_secret_value().strip() for each in secrets):
        raise ValueError("must be a secret, or several in [ ] while one replaces the other")
    return secrets


def _are_hexadecimal(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for each in secrets:
        try:
            bytes.fromhex(each.get_secret_value())
        except ValueError:
            raise ValueError("must be the HMAC key in hexadecimal digits") from None
    return secrets


def _are_base64(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for each in secrets:
        text = each.get_secret_value().removeprefix("whsec_")
        try:
            key = base64.b64decode(f"{text}==", validate=False)
        except ValueError:
            key = b""
        if not key:
            raise ValueError("must be whsec_ and a key in base64")
    return secrets


_Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_listed), AfterValidator(_are_there)]


class WebhookSecrets(BaseModel):
    """The secrets of one tenant, one or several for each provider."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    standard: Annotated[_Secrets, AfterValidator(_are_base64)] | None = None
    stripe: _Secrets | None = None
    adyen: Annotated[_Secrets, AfterValidator(_are_hexadecimal)] | None = None

    def of(self, provider: Provider) -> list[str]:
        """Return those of a provider; none if there are none."""
        secrets: tuple[SecretStr, ...] | None = getattr(self, provider.value)
        return [each.get_secret_value() for each in secrets or ()]
