"""Selections and questions: from keywords, to keywords, and to the query parameters of a request.

Values are sent as they are: the server checks them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeAlias, TypedDict, Unpack, cast

from msgspec.structs import asdict

from financeops.core import facets as core
from financeops.core.facets import keywords_of_facets
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.core.windows import ends_of, window_between
from financeops.core.wire import timestamp


class Facets(TypedDict, total=False):
    """Values of dimensions as keywords: only payments with these; each may be left out.

    ``"-"`` stands for payments without a value.
    """

    processor: str | None
    network: str | None
    funding: str | None
    country: str | None
    issuer_country: str | None
    channel: str | None
    authentication: str | None


Query: TypeAlias = Selection | Question
"""A query for payments, or for figures of them."""


def selection_of(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    status: Status | str | None = None,
    method: str | None = None,
    currency: str | None = None,
    order_id: str | None = None,
    **facets: Unpack[Facets],
) -> Selection:
    """Selection from a method's keywords."""
    return Selection(
        status=cast("Status | None", status),
        method=method,
        currency=currency,
        window=window_between(start, end),
        order_id=order_id,
        facets=_facets(facets),
    )


def question_of(
    *,
    period: Period | str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    currency: str | None = None,
    method: str | None = None,
    timezone: str | None = None,
    **facets: Unpack[Facets],
) -> Question:
    """Question from a method's keywords; raises `InvalidValue` for both a period and a window."""
    return Question(
        currency=currency,
        method=method,
        facets=_facets(facets),
        timezone=timezone,
        period=cast("Period | None", period),
        window=window_between(start, end),
    )


def keywords_of(query: Query) -> dict[str, Any]:
    """Keywords of the client's methods for the same query."""
    keywords = asdict(query)
    keywords["start"], keywords["end"] = ends_of(keywords.pop("window"))
    return keywords | keywords_of_facets(keywords.pop("facets"))


def _facets(keywords: Facets) -> core.Facets:
    """Facets from keywords; raises `TypeError` for those that no dimension has."""
    if unknown := keywords.keys() - core.FACETED.values():
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}")
    values = cast("dict[str, str | None]", keywords)
    return core.facets_of({name: values.get(field) for name, field in core.FACETED.items()})


def query_of(query: Query) -> dict[str, Any]:
    """Query parameters under the names of the REST contract; None for those left out."""
    names = {"start": "from", "end": "to", "order_id": "orderId", "issuer_country": "issuerCountry"}
    return {names.get(name, name): value for name, value in keywords_of(query).items()}


def parameters_of(tenant_id: str | None, query: Query) -> dict[str, str]:
    """Query parameters of a selection or question of a tenant's payments, as text."""
    return present(tenantId=tenant_id, **query_of(query))


def present(**parameters: str | int | date | datetime | None) -> dict[str, str]:
    """Query parameters that are not None, as text."""
    return {
        name: timestamp(value) if isinstance(value, datetime) else str(value)
        for name, value in parameters.items()
        if value is not None
    }
