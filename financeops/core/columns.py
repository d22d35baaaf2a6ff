"""The canonical columns of payments: what every data frame and every file of them is made of.

One row per payment, columns named as the fields of `financeops.core.payments.Payment`.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integers"
    INSTANT = "instants"


class Column(Struct, frozen=True):
    """What a column holds, whether nulls may be among it, and its name everywhere outside Python.

    `json` is its name in the REST contract, in exports and in the database.
    """

    kind: Kind
    nullable: bool
    json: str


PAYMENTS = {
    "id": Column(Kind.TEXT, nullable=False, json="_id"),
    "tenant_id": Column(Kind.TEXT, nullable=False, json="tenantId"),
    "amount": Column(Kind.INTEGER, nullable=False, json="amount"),
    "currency": Column(Kind.TEXT, nullable=False, json="currency"),
    "method": Column(Kind.TEXT, nullable=False, json="method"),
    "status": Column(Kind.TEXT, nullable=False, json="status"),
    "created_at": Column(Kind.INSTANT, nullable=False, json="createdAt"),
    "updated_at": Column(Kind.INSTANT, nullable=False, json="updatedAt"),
    "source": Column(Kind.TEXT, nullable=False, json="source"),
    "reference": Column(Kind.TEXT, nullable=True, json="reference"),
    "customer_id": Column(Kind.TEXT, nullable=True, json="customerId"),
    "country": Column(Kind.TEXT, nullable=True, json="country"),
    "decline_code": Column(Kind.TEXT, nullable=True, json="declineCode"),
    "decline_group": Column(Kind.TEXT, nullable=True, json="declineGroup"),
    "refunded_at": Column(Kind.INSTANT, nullable=True, json="refundedAt"),
}
"""The columns of the canonical frame. Amounts are minor units, instants have a time zone."""
