"""Query parameters: each route's own, given once, and nothing that it does not know."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from starlette.convertors import StringConvertor, register_url_convertor

from financeops.core.checks import METHOD, check_tenant_id
from financeops.core.contract.agreements import DEFAULT_TENANT, MAX_CHANGES, MAX_PAGE, ExportFormat
from financeops.core.contract.texts import (
    CURSOR_PATTERN,
    PAYMENT_ID_PATTERN,
    TENANT_PATTERN,
    WORD_PATTERN,
)
from financeops.core.errors import InvalidValue
from financeops.core.instants import bound
from financeops.core.payments import Source, Status
from financeops.core.periods import Period, zone_of
from financeops.store.reading.filters import PaymentFilter


class _PaymentIds(StringConvertor):
    """Of a path: what is none is another route's, or nobody's."""

    regex = "[0-9a-fA-F]{24}"


register_url_convertor("payment_id", _PaymentIds())
PAYMENT_ID = "{payment_id:payment_id}"
"""A payment's id in a path."""

_CURRENCY = re.compile(r"[A-Z]{3}")


def refuse_repeated(request: Request) -> None:
    """Refuse a parameter that is given twice: which of them is meant cannot be known."""
    for name, count in Counter(key for key, _ in request.query_params.multi_items()).items():
        if count > 1:
            raise InvalidValue(name, "is given more than once: give it once")


def refuse_all(request: Request) -> None:
    """Refuse any parameter on a route that takes none."""
    for name in request.query_params:
        raise InvalidValue(name, "is not a parameter of this route: it takes none")


def check_timezone(name: str) -> str:
    """Return the name if it is a time zone's; raises `InvalidValue`."""
    return zone_of(name).key


def _check_currency(code: str) -> str:
    """Return the code if it could be a currency's; the store knows whether it is."""
    if not _CURRENCY.fullmatch(code):
        raise InvalidValue("currency", "must be an ISO 4217 code such as 'USD'")
    return code


def _check_method(method: str) -> str:
    if not METHOD.fullmatch(method):
        raise InvalidValue("method", "must be 1 to 64 of a-z, 0-9 and _")
    return method


def _instant(text: object) -> datetime:
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(
            "must be an ISO 8601 time with its zone, such as 2024-12-09T14:00:00Z "
            "(a + is written %2B in a URL)"
        ) from None
    return bound(instant)


def _described(**members: Any) -> WithJsonSchema:
    """What the API's description says of a parameter whose check is a function."""
    return WithJsonSchema({"type": "string", **members})


Currency = Annotated[str, AfterValidator(_check_currency)]
Method = Annotated[str, AfterValidator(_check_method), _described(pattern=WORD_PATTERN)]
TenantId = Annotated[str, AfterValidator(check_tenant_id), _described(pattern=TENANT_PATTERN)]
PaymentId = Annotated[str, _described(pattern=PAYMENT_ID_PATTERN)]
TimezoneName = Annotated[str, AfterValidator(check_timezone)]
Instant = Annotated[datetime, BeforeValidator(_instant), _described(format="date-time")]
ImportId = Annotated[str, Field(pattern=PAYMENT_ID_PATTERN)]
VerificationId = Annotated[str, Field(pattern=PAYMENT_ID_PATTERN)]


class Parameters(BaseModel):
    """Parameters of a route, camelCase in the URL."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class OfTenant(Parameters):
    """Whose data is asked for."""

    tenant_id: TenantId = Field(DEFAULT_TENANT, description="Whose payments")


class PaymentSelection(OfTenant):
    """Which payments of a tenant."""

    status: Status | None = Field(None, description="Only payments of this status")
    method: Method | None = Field(None, description="Only payments of this method")
    currency: Currency | None = Field(None, description="Only payments in this currency")
    start: Instant | None = Field(
        None, alias="from", description="Only payments created at or after this time"
    )
    end: Instant | None = Field(
        None, alias="to", description="Only payments created before this time"
    )

    @model_validator(mode="after")
    def _window_is_one(self) -> Self:
        _check_window(self.start, self.end)
        return self

    def chosen(self) -> PaymentFilter:
        """The selection as the store takes it."""
        return PaymentFilter(
            status=self.status,
            method=self.method,
            currency=self.currency,
            start=self.start,
            end=self.end,
        )


class ListParameters(PaymentSelection):
    """Parameters of the list of payments."""

    limit: int = Field(100, ge=1, le=MAX_PAGE, description="How many payments")
    before: Annotated[str, _described(pattern=CURSOR_PATTERN)] | None = Field(
        None, description="Where the page begins: the cursor of the `Link` header's `next`"
    )


class ExportParameters(PaymentSelection):
    """Parameters of the export."""

    format: ExportFormat = Field(ExportFormat.CSV, description="File format")


class ChangesParameters(OfTenant):
    """Parameters of the changes."""

    after: int = Field(ge=0, le=2**53, description="The last `seq` that is known")
    limit: int = Field(
        1000,
        ge=1,
        le=MAX_CHANGES,
        description="About how many changes: whole transactions are read",
    )


class AnalyticsParameters(OfTenant):
    """Parameters that every analytics route takes."""

    currency: Currency | None = Field(
        None, description="Payments in this currency; by default the tenant's"
    )
    method: Method | None = Field(None, description="Only payments of this method")
    timezone: TimezoneName | None = Field(
        None,
        description="Cut hours and days in this time zone; another than the tenant's only for "
        "windows of at most 7 days",
    )
    period: Period | None = Field(
        None,
        description="`day`: last 24 hours, `week`: last 7 days, `month`: last 30 days, `year`: "
        "last 12 months; instead of `from` and `to`",
    )
    start: Instant | None = Field(
        None, alias="from", description="First moment of the window; without it from the beginning"
    )
    end: Instant | None = Field(
        None, alias="to", description="End of the window, not included; without it up to now"
    )

    @model_validator(mode="after")
    def _window_is_one(self) -> Self:
        if self.period is not None and (self.start is not None or self.end is not None):
            raise InvalidValue("period", "give either a period, or from and to")
        _check_window(self.start, self.end)
        return self


class MetricsParameters(AnalyticsParameters):
    """Parameters of the key figures."""

    compare: bool = Field(False, description="Whether to add `previous`, the period before")

    @model_validator(mode="after")
    def _is_comparable(self) -> Self:
        closed = self.start is not None and self.end is not None
        if self.compare and self.period is None and not closed:
            raise InvalidValue("compare", "needs a period, or both from and to")
        return self


class PeriodParameters(AnalyticsParameters):
    """Parameters of what is cut into buckets: the last day unless said otherwise."""

    @model_validator(mode="after")
    def _is_closed(self) -> Self:
        if (self.start is None) is not (self.end is None):
            missing = "from" if self.start is None else "to"
            raise InvalidValue(missing, "is missing: give a period, or both from and to")
        return self

    @property
    def cut_period(self) -> Period | None:
        """The period to cut; None when a window is given."""
        return self.period or (Period.DAY if self.start is None else None)


class SnapshotParameters(PeriodParameters):
    """Parameters of the snapshot."""

    rollups: bool = Field(
        False, description="Whether to add the rollups that the figures are computed from"
    )


class TimezoneParameters(Parameters):
    """Parameters of a tenant's change of time zone."""

    timezone: TimezoneName = Field(description="IANA name, such as `Europe/Berlin`")


class BatchParameters(Parameters):
    """Parameters of a batch."""

    source: Literal[Source.API, Source.IMPORT] = Field(
        Source.API, description="`import` allows status `refunded` and `refundedAt`"
    )
    import_id: ImportId | None = Field(
        None, description="The import whose rows these are, with `source=import`"
    )

    @model_validator(mode="after")
    def _is_an_import(self) -> Self:
        if self.import_id is not None and self.source is not Source.IMPORT:
            raise InvalidValue("importId", "is only for source=import")
        return self


class VerifyParameters(OfTenant):
    """Parameters of a verification."""

    repair: bool = Field(False, description="Whether to put right what differs")


class ImportParameters(Parameters):
    """Parameters of one import; its id tells whose it is."""

    tenant_id: TenantId | None = Field(None, description="Whose import it must be")


class SeedParameters(Parameters):
    """Parameters of the seed."""

    count: int = Field(1000, ge=1, le=1_000_000, description="How many payments")
    days: int = Field(30, ge=1, le=3650, description="Over how many days up to now")


class FirstHistoryParameters(Parameters):
    """Parameters of the first history."""

    newest: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Record only so many of the newest payments, and answer when they are there",
    )


def _check_window(start: datetime | None, end: datetime | None) -> None:
    if start is not None and end is not None and start >= end:
        raise InvalidValue("from", "must be before to")
