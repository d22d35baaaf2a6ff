"""Query parameters: each route has its own, each given once; unknown ones are refused."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from fastapi import Request
from msgspec.structs import replace
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

from financeops.core.checks import METHOD, check_key, check_tenant_id
from financeops.core.contract.agreements import (
    DEFAULT_TENANT,
    MAX_CHANGES,
    MAX_PAGE,
    MAX_RATE_DAYS,
    ExportFormat,
)
from financeops.core.contract.texts import (
    CURSOR_PATTERN,
    MAX_TEXT,
    PAYMENT_ID_PATTERN,
    RATES_CURSOR_PATTERN,
    TENANT_PATTERN,
    TEXT_PATTERN,
    WORD_PATTERN,
)
from financeops.core.declines import Authentication
from financeops.core.dimensions import OTHER_VALUE, Dimension
from financeops.core.errors import InvalidValue
from financeops.core.facets import FACETED, NO_VALUE, Facets, check_facet, facets_of
from financeops.core.instants import bound
from financeops.core.payments import Funding, Source, Status
from financeops.core.periods import Period, zone_of
from financeops.core.questions import Question
from financeops.core.rates import check_currency_of_rate, check_source, day_in
from financeops.core.reporting import REPORTING
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME, check_order, ends_of, window_between


class _PaymentIds(StringConvertor):
    """A payment's id in a path; any other text is left to the other routes."""

    regex = "[0-9a-fA-F]{24}"


register_url_convertor("payment_id", _PaymentIds())
PAYMENT_ID = "{payment_id:payment_id}"
"""A payment's id in a path."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_ENDS = ("from", "to")


def refuse_repeated(request: Request) -> None:
    """Refuse a parameter that is given twice: it is ambiguous which one is meant."""
    for name, count in Counter(key for key, _ in request.query_params.multi_items()).items():
        if count > 1:
            raise InvalidValue(name, "is given more than once: give it once")


def refuse_all(request: Request) -> None:
    """Refuse any parameter on a route that takes none."""
    for name in request.query_params:
        raise InvalidValue(name, "is not a parameter of this route: it takes none")


def check_timezone(name: str) -> str:
    """Return the name if it is that of a time zone; raise `InvalidValue` if not."""
    return zone_of(name).key


def _check_currency(code: str) -> str:
    """Return the code if it has the form of a currency's; the store knows whether it is one."""
    if not _CURRENCY.fullmatch(code):
        raise InvalidValue("currency", "must be an ISO 4217 code such as 'USD'")
    return code


def _check_currency_or_all(code: str) -> str:
    return code if code == REPORTING else _check_currency(code)


def _check_method(method: str) -> str:
    if not METHOD.fullmatch(method):
        raise InvalidValue("method", "must be 1 to 64 of a-z, 0-9 and _")
    return method


def _check_order(order_id: str) -> str:
    return check_key(order_id, "orderId")


def _instant(text: object) -> datetime:
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(
            "must be an ISO 8601 time with its zone, such as 2024-12-09T14:00:00Z "
            "(a + is written %2B in a URL)"
        ) from None
    return bound(instant)


def _day(name: str) -> BeforeValidator:
    return BeforeValidator(lambda text: day_in(str(text), name))


def _code(name: str) -> AfterValidator:
    return AfterValidator(lambda code: check_currency_of_rate(code, name))


def _described(**members: Any) -> WithJsonSchema:
    """The API's description of a parameter that a function checks."""
    return WithJsonSchema({"type": "string", **members})


def _facet(name: str) -> AfterValidator:
    return AfterValidator(lambda value: check_facet(name, value))


def _one_of(choices: type[StrEnum]) -> WithJsonSchema:
    return _described(enum=[*choices, OTHER_VALUE, NO_VALUE])


_VALUE = _described(pattern="^([a-z0-9_]{1,64}|-)$")
_COUNTRY = _described(pattern="^([A-Z]{2}|other|-)$")
_AS_SHOWN = f"; `{NO_VALUE}` for those without one"

Currency = Annotated[str, AfterValidator(_check_currency)]
CurrencyOrAll = Annotated[str, AfterValidator(_check_currency_or_all), _described(enum=[REPORTING])]
Method = Annotated[str, AfterValidator(_check_method), _described(pattern=WORD_PATTERN)]
OrderId = Annotated[
    str,
    AfterValidator(_check_order),
    _described(minLength=1, maxLength=MAX_TEXT, pattern=TEXT_PATTERN),
]
TenantId = Annotated[str, AfterValidator(check_tenant_id), _described(pattern=TENANT_PATTERN)]
PaymentId = Annotated[str, _described(pattern=PAYMENT_ID_PATTERN)]
TimezoneName = Annotated[str, AfterValidator(check_timezone)]
Instant = Annotated[datetime, BeforeValidator(_instant), _described(format="date-time")]
SourceOfRates = Annotated[str, AfterValidator(check_source), _described(pattern=WORD_PATTERN)]
ImportId = Annotated[str, Field(pattern=PAYMENT_ID_PATTERN)]
LetterId = Annotated[str, Field(pattern=PAYMENT_ID_PATTERN)]
VerificationId = Annotated[str, Field(pattern=PAYMENT_ID_PATTERN)]


class Parameters(BaseModel):
    """Parameters of a route, camelCase in the URL."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class OfTenant(Parameters):
    """The tenant whose data a request is about."""

    tenant_id: TenantId = Field(DEFAULT_TENANT, description="ID of the tenant")


class OfFacets(OfTenant):
    """Parameters that filter by the values of dimensions, each named as a breakdown shows it."""

    processor: Annotated[str, _facet("processor"), _VALUE] | None = Field(
        None, description=f"Only payments with this processor{_AS_SHOWN}"
    )
    network: Annotated[str, _facet("network"), _VALUE] | None = Field(
        None, description=f"Only payments of this network{_AS_SHOWN}"
    )
    funding: Annotated[str, _facet("funding"), _one_of(Funding)] | None = Field(
        None, description=f"Only payments funded so{_AS_SHOWN}"
    )
    country: Annotated[str, _facet("country"), _COUNTRY] | None = Field(
        None, description=f"Only payments of this country{_AS_SHOWN}"
    )
    issuer_country: Annotated[str, _facet("issuerCountry"), _COUNTRY] | None = Field(
        None, description=f"Only payments with cards of this country{_AS_SHOWN}"
    )
    channel: Annotated[str, _facet("channel"), _VALUE] | None = Field(
        None, description=f"Only payments of this channel{_AS_SHOWN}"
    )
    authentication: Annotated[str, _facet("authentication"), _one_of(Authentication)] | None = (
        Field(None, description=f"Only payments of which 3-D Secure said this{_AS_SHOWN}")
    )

    @property
    def facets(self) -> Facets:
        """The values that are given."""
        return facets_of({name: getattr(self, field) for name, field in FACETED.items()})


class SelectionParameters(OfFacets):
    """Parameters that select payments of a tenant."""

    status: Status | None = Field(None, description="Only payments with this status")
    method: Method | None = Field(
        None,
        description="Only payments made with this method: one of the settings, or of any payment of "
        "the tenant",
    )
    currency: Currency | None = Field(None, description="Only payments in this currency")
    start: Instant | None = Field(
        None, alias="from", description="Only payments created at or after this time"
    )
    end: Instant | None = Field(
        None, alias="to", description="Only payments created before this time"
    )

    order_id: OrderId | None = Field(None, description="Only attempts of this order")

    def selection(self) -> Selection:
        """Return the selection; raise `InvalidValue` if its window is empty."""
        window = window_between(self.start, self.end)
        check_order(window, names=_ENDS)
        return Selection(
            status=self.status,
            method=self.method,
            currency=self.currency,
            window=window,
            order_id=self.order_id,
            facets=self.facets,
        )


class ListParameters(SelectionParameters):
    """Parameters of the list of payments."""

    limit: int = Field(100, ge=1, le=MAX_PAGE, description="Number of payments on a page")
    before: Annotated[str, _described(pattern=CURSOR_PATTERN)] | None = Field(
        None, description="Start of the page: the cursor of the `Link` header's `next`"
    )


class ExportParameters(SelectionParameters):
    """Parameters of the export."""

    format: ExportFormat = Field(ExportFormat.CSV, description="File format")


class ChangesParameters(OfTenant):
    """Parameters of the changes."""

    after: int = Field(ge=0, le=2**53, description="The last `seq` that the client knows")
    limit: int = Field(
        1000,
        ge=1,
        le=MAX_CHANGES,
        description="Approximate number of changes: transactions are returned whole",
    )


class AnalyticsParameters(OfFacets):
    """Parameters that every analytics route takes."""

    currency: CurrencyOrAll | None = Field(
        None,
        description="Only payments in this currency; by default the tenant's. `reporting`: all payments, "
        "those in other currencies converted into the tenant's",
    )
    method: Method | None = Field(None, description="Only payments made with this method")
    timezone: TimezoneName | None = Field(
        None,
        description="Time zone of hours and days; one other than the tenant's only for windows "
        "of at most 7 days",
    )
    period: Period | None = Field(
        None,
        description="`day`: last 24 hours, `week`: last 7 days, `month`: last 30 days, `year`: "
        "last 12 months; instead of `from` and `to`",
    )
    start: Instant | None = Field(
        None, alias="from", description="Start of the window; by default the first payment"
    )
    end: Instant | None = Field(
        None, alias="to", description="End of the window, exclusive; by default now"
    )

    def question(self) -> Question:
        """Return the question; raise `InvalidValue` if parameters contradict each other."""
        question = Question(
            currency=self.currency,
            method=self.method,
            facets=self.facets,
            timezone=self.timezone,
            period=self.period,
            window=window_between(self.start, self.end),
        )
        check_order(question.window, names=_ENDS)
        return question


class MetricsParameters(AnalyticsParameters):
    """Parameters of the key figures."""

    compare: bool = Field(
        False,
        description="Whether to add `previous`: the previous period, or as long a window before `from`",
    )

    def question(self) -> Question:
        """Return the question; a comparison needs a window of known length."""
        question = super().question()
        if self.compare and question.period is None and None in ends_of(question.window):
            raise InvalidValue("compare", "needs a period, or both from and to")
        return question


class BucketParameters(AnalyticsParameters):
    """Parameters of figures in buckets; the default is the last day."""

    def question(self) -> Question:
        """Return the question, with a period or both ends of a window."""
        question = super().question()
        if question.period is not None:
            return question
        if question.window == ALL_TIME:
            return replace(question, period=Period.DAY)
        for name, end in zip(_ENDS, ends_of(question.window), strict=True):
            if end is None:
                raise InvalidValue(name, "is missing: give a period, or both from and to")
        return question


class BreakdownParameters(AnalyticsParameters):
    """Parameters of the figures by a dimension."""

    by: Dimension = Field(description="What to break the figures down by")


class SnapshotParameters(BucketParameters):
    """Parameters of the snapshot."""

    rollups: bool = Field(
        False, description="Whether to add the rollups from which the figures are computed"
    )
    by: Dimension | None = Field(
        None, description="With `rollups=true`: also count the window's payments by this dimension"
    )


class TimezoneParameters(Parameters):
    """Parameters of a change of a tenant's time zone."""

    timezone: TimezoneName = Field(description="IANA name, such as `Europe/Berlin`")


class BatchParameters(Parameters):
    """Parameters of a batch."""

    source: Literal[Source.API, Source.IMPORT] = Field(
        Source.API, description="`import` allows status `refunded` and `refundedAt`"
    )
    import_id: ImportId | None = Field(
        None, description="ID of the import to which the rows belong, with `source=import`"
    )

    @model_validator(mode="after")
    def _is_an_import(self) -> Self:
        if self.import_id is not None and self.source is not Source.IMPORT:
            raise InvalidValue("importId", "is only for source=import")
        return self


class VerifyParameters(OfTenant):
    """Parameters of a verification."""

    repair: bool = Field(False, description="Whether to repair what differs")


class LettersParameters(OfTenant):
    """Parameters of the list of dead letters."""

    limit: int = Field(100, ge=1, le=MAX_PAGE, description="Number of dead letters on a page")
    before: LetterId | None = Field(
        None, description="Start of the page: the cursor of the `Link` header's `next`"
    )


class ImportParameters(Parameters):
    """Parameters of one import; its id determines the tenant."""

    tenant_id: TenantId | None = Field(
        None, description="ID of the tenant to which the import must belong"
    )


class RatesParameters(Parameters):
    """Parameters of the list of exchange rates."""

    base: Annotated[str, _code("base")] | None = Field(
        None, description="Only rates of one unit of this currency"
    )
    quote: Annotated[str, _code("quote")] | None = Field(
        None, description="Only rates in this currency"
    )
    source: SourceOfRates | None = Field(None, description="Only rates of this source")
    start: Annotated[date, _day("from"), _described(format="date")] | None = Field(
        None, alias="from", description="Only rates of this day and later ones"
    )
    end: Annotated[date, _day("to"), _described(format="date")] | None = Field(
        None, alias="to", description="Only rates of days before this one"
    )
    limit: int = Field(100, ge=1, le=MAX_RATE_DAYS, description="Number of days on a page")
    before: Annotated[str, Field(pattern=RATES_CURSOR_PATTERN)] | None = Field(
        None, description="Start of the page: the cursor of the `Link` header's `next`"
    )


class RecordRatesParameters(Parameters):
    """Parameters of rates to record."""

    replace: bool = Field(
        False, description="Whether they replace other rates of the same day, pair and source"
    )
    check: bool = Field(
        False, description="Whether to record nothing, and only answer what would be recorded"
    )


class RecomputeParameters(OfTenant):
    """Parameters of payments to convert again."""

    start: Annotated[date, _day("from"), _described(format="date")] = Field(
        alias="from", description="The first day, in the tenant's time zone"
    )
    end: Annotated[date, _day("to"), _described(format="date")] = Field(
        alias="to", description="The day after the last one"
    )


class SeedParameters(Parameters):
    """Parameters of the seed."""

    count: int = Field(1000, ge=1, le=1_000_000, description="Number of payments")
    days: int = Field(
        30, ge=1, le=3650, description="Number of days, up to now, over which they are spread"
    )


class FirstHistoryParameters(Parameters):
    """Parameters of the first history."""

    newest: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Record only this many of the newest payments, and answer when they are "
        "recorded",
    )
