"""Settings of the server, each with its default and its meaning."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from financeops.core.checks import DECLINE_CODE, METHOD, TENANT_ID
from financeops.core.contract.agreements import DEFAULT_PORT, DEFAULT_TENANT
from financeops.core.declines import DeclineKind, FailureStage
from financeops.core.errors import InvalidValue, Misconfigured
from financeops.core.money import exponent
from financeops.core.payments import Tenant
from financeops.core.periods import zone_of
from server.webhook_secrets import Provider, WebhookSecrets
from server.wording import in_words

PREFIX = "FINANCEOPS_"

_BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}
"""Pydantic's names for numbers that are too small or too large."""


class DeclineSettings(BaseModel):
    """What a decline code of a tenant means: where a payment failed, and whether another try is worth it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: FailureStage
    kind: DeclineKind | None = None


class TenantSettings(BaseModel):
    """Reporting currency and time zone of one tenant, and what its own decline codes mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = "USD"
    timezone: str = "UTC"
    declines: dict[str, DeclineSettings] = {}

    @field_validator("currency", "timezone")
    @classmethod
    def _exists(cls, value: str, field: ValidationInfo) -> str:
        try:
            exponent(value) if field.field_name == "currency" else zone_of(value)
        except InvalidValue as error:
            raise ValueError(error.problem) from None
        return value

    @field_validator("declines")
    @classmethod
    def _are_codes(cls, declines: dict[str, DeclineSettings]) -> dict[str, DeclineSettings]:
        for code in declines:
            if not DECLINE_CODE.fullmatch(code):
                raise ValueError(f"{code!r} is not a decline code: 1 to 64 of a-z, 0-9 and _")
        return declines


class Settings(BaseSettings):
    """Settings of the server; an environment variable takes precedence over a line in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, validate_default=True
    )

    mongodb_uri: SecretStr = Field(
        description="URI of the MongoDB that stores the payments: a replica set, a sharded cluster or "
        "the embedded database. `mongodb://` or `mongodb+srv://`; the path names the database "
        "(default `financeops`)"
    )
    host: str = Field("127.0.0.1", description="Address to listen on; `0.0.0.0` for all")
    port: int = Field(
        DEFAULT_PORT, ge=0, le=65535, description="Port to listen on; 0 for any free port"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level of the messages that are logged"
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins of web pages that may call the API and the stream, separated by "
        "commas (`https://app.example.com`); `*` for all. Pages of this computer (localhost, "
        "127.0.0.1, [::1], any port) always may. Others get 403, even for what they only embed "
        "(a picture, a script); links to the server work from anywhere",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names that the server answers to (`Host`), separated by commas "
        "(`pay.example.com`); `*` for all. IP addresses, localhost and this computer's own name "
        "are always accepted; any other gets 421",
    )
    dashboard_url: str | None = Field(
        None, description="URL of the dashboard, for people who open that of the server (`GET /`)"
    )
    methods: Annotated[tuple[str, ...], NoDecode] = Field(
        ("card", "bank_transfer", "crypto", "paypal"),
        description="Accepted payment methods, separated by commas",
    )
    tenants: dict[str, TenantSettings] = Field(
        {},
        description="Currency and time zone of tenants, as JSON: "
        '`{"tenant_2": {"currency": "EUR", "timezone": "Europe/Berlin"}}`. '
        f"`{DEFAULT_TENANT}` (USD, UTC) always exists; a tenant that is not named here "
        "is created by its first payment, with USD and UTC. `declines` says what a tenant's own decline codes mean: "
        '`{"shop": {"declines": {"house_limit": {"stage": "blocked", "kind": "hard"}}}}`, for payments recorded from then on',
    )

    rates_source: str | None = Field(
        None,
        description="Source of the exchange rates at which payments are converted into their tenant's "
        "currency (`ecb`), perhaps with its base (`ecb/EUR`). Needed only if there are rates of several: "
        "until then nothing is converted",
    )

    webhook_secrets: dict[str, WebhookSecrets] = Field(
        {},
        description="Secrets by which payment providers sign what they send to "
        "`POST /webhooks/{provider}/{tenant_id}`, as JSON by tenant and provider: "
        '`{"shop": {"standard": "whsec_…"}}`. While a secret is replaced, give both: '
        '`["whsec_new…", "whsec_old…"]`. Providers: `standard` (Standard Webhooks, for your own systems)',
    )

    simulate: bool = Field(True, description=f"Whether to simulate payments of `{DEFAULT_TENANT}`")
    simulate_interval: float = Field(
        2.0,
        ge=0.01,
        le=3600,
        description="Seconds between two simulated payments. After a history recorded by "
        "`financeops up` it is the mean, and the default is 15",
    )
    simulate_success_rate: float = Field(
        0.8, ge=0, le=1, description="Share of simulated payments that succeed"
    )
    simulate_refund_rate: float = Field(
        0.03,
        ge=0,
        le=1,
        description="Share of simulated successful payments that are refunded later",
    )
    simulate_amount_factor: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="Factor by which the usual amounts of simulated payments are multiplied",
    )
    simulate_seed: int | None = Field(
        None,
        ge=0,
        description="Random seed of the simulation; the same seed gives the same payments",
    )

    heartbeat_seconds: float = Field(
        5.0, ge=0.05, le=300, description="Seconds between two heartbeats on the stream"
    )
    changes_hours: float = Field(
        24.0, gt=0, le=24 * 365, description="Hours for which missed events can be fetched"
    )
    max_missed_events: int = Field(
        10_000, ge=0, description="Number of missed events above which a client is told to reload"
    )
    max_body_bytes: int = Field(10_000_000, ge=1000, description="Largest request body, in bytes")
    max_header_bytes: int = Field(
        32_768, ge=1024, description="Largest request headers, including the URL, in bytes"
    )
    receive_timeout: float = Field(
        20.0,
        gt=0,
        le=3600,
        description="Seconds in which a connection must send the headers of a request, each next "
        "KB of its body, and (Linux) read part of what waits to be sent to it",
    )
    max_connections_per_address: int = Field(
        1000,
        ge=0,
        description="Connections that one address may have open; 0 for no limit, as needed behind "
        "a proxy, where all connections come from one address",
    )
    max_waiting: int = Field(
        20_000,
        ge=1000,
        description="Payments that may wait for a commit; beyond that, requests get 503",
    )
    database_timeout: float = Field(
        5.0, gt=0, le=600, description="Seconds to wait for the database at startup"
    )

    @field_validator("mongodb_uri")
    @classmethod
    def _is_a_database(cls, uri: SecretStr) -> SecretStr:
        # The driver, which knows more about URIs, is asked only when the database is opened.
        parts = _split(uri.get_secret_value())
        if parts.scheme not in {"mongodb", "mongodb+srv"} or not parts.netloc:
            raise ValueError("must be a URI such as mongodb://localhost:27017/financeops")
        return uri

    @field_validator("dashboard_url")
    @classmethod
    def _is_a_page(cls, url: str | None) -> str | None:
        parts = _split(url or "")
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must be a URL such as http://localhost:8866")
        return url

    @field_validator("methods", "allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def _separated(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return tuple(msgspec.json.decode(value, type=list[str]))
            except msgspec.DecodeError:
                raise ValueError("must be names separated by commas, or a JSON array") from None
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("methods")
    @classmethod
    def _are_methods(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        if not methods or not all(METHOD.fullmatch(method) for method in methods):
            raise ValueError("must name methods of a-z, 0-9 and _, such as card,paypal")
        return methods

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = _split(origin)
            if origin != "*" and (f"{parts.scheme}://{parts.netloc}" != origin or not parts.netloc):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
        return origins

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if host != "*" and _split(f"//{host}").hostname != host.lower():
                raise ValueError(f"{host!r} is not a name such as pay.example.com, without a port")
        return hosts

    @field_validator("tenants", "webhook_secrets")
    @classmethod
    def _are_tenants(cls, tenants: dict[str, Any]) -> dict[str, Any]:
        for tenant_id in tenants:
            if not TENANT_ID.fullmatch(tenant_id):
                raise ValueError(
                    f"{tenant_id!r} is not a tenant id: 1 to 64 letters, digits, '_', '-' or '.'"
                )
        return tenants

    def tenant(self, tenant_id: str) -> Tenant:
        """Return the tenant as configured, or as its first payment would create it."""
        known = self.tenants.get(tenant_id, TenantSettings())
        return Tenant(
            id=tenant_id,
            currency=known.currency,
            timezone=known.timezone,
            declines={code: (each.stage, each.kind) for code, each in known.declines.items()},
        )

    def secrets_of(self, tenant_id: str, provider: str) -> list[str]:
        """Return the secrets of a tenant's webhook, of which any may sign; none if it has no such webhook."""
        known = self.webhook_secrets.get(tenant_id)
        if known is None or provider not in set(Provider):
            return []
        return known.of(Provider(provider))

    def configured_tenants(self) -> Sequence[Tenant]:
        """Return the tenants that are named: they exist before their first payment."""
        return [self.tenant(tenant_id) for tenant_id in self.tenants]


def _split(url: str) -> SplitResult:
    """Parts of a URL; none of what is no URL, such as one with half of a bracket."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def read_settings(**given: Any) -> Settings:
    """Read the environment and `.env`; raise `Misconfigured` that names the wrong setting."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name, *inside = (str(part) for part in first["loc"])
        where = f" ({'.'.join(inside)})" if inside else ""
        if first["type"] == "missing":
            problem = (
                "is not set: set it to a MongoDB, such as mongodb://localhost:27017/financeops"
            )
        elif first["type"] == "extra_forbidden":
            problem = "is not a known name"
        else:
            problem = in_words(first)
            if first["type"] in _BOUNDS or first["type"].endswith("_parsing"):
                problem += f", not {first['input']}"
        raise Misconfigured(f"{PREFIX}{name.upper()}{where}: {problem}") from None
    except ValueError as error:  # a value that should be JSON but is not
        name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "")
        raise Misconfigured(f"{PREFIX}{name.upper()}: is not valid JSON") from None


def settings_table() -> str:
    """Return a Markdown table of every setting with its default and meaning."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{PREFIX}{name.upper()}` | {_shown(field)} | {field.description} |")
    return "\n".join(rows)


def _shown(field: Any) -> str:
    if field.is_required():
        return "(required)"
    match field.default:
        case None:
            return "(none)"
        case bool():
            return f"`{str(field.default).lower()}`"
        case tuple() if not field.default:
            return "(none)"
        case tuple():
            return f"`{','.join(field.default)}`"
        case dict() if not field.default:
            return "`{}`"
        case _:
            return f"`{field.default}`"


def main(arguments: Sequence[str]) -> int:
    """Print the table of settings; with ``--check`` only check their values."""
    if arguments != ["--check"]:
        sys.stdout.write(settings_table() + "\n")
        return 0
    try:
        read_settings()
    except Misconfigured as error:
        sys.stderr.write(f"financeops: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
