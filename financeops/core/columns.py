"""The canonical columns of payments, in every data frame and every file of them.

One row per payment, columns named as the fields of `financeops.core.payments.Payment`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.core.payments import FIELDS

PAYMENTS = {name: field for name, field in FIELDS.items() if field.kind is not Kind.ACTS}
"""The columns of the canonical frame. Amounts are minor units, instants have a time zone."""

MINOR_UNITS = {b"unit": b"minor"}
"""Metadata of the field `amount` in Arrow, and in Parquet that Arrow wrote."""


class Form(StrEnum):
    """How a file that this package wrote names its columns, and so what `amount` means."""

    FRAME = "frame"
    """Canonical names, as a data frame of payments is saved: `amount` in minor units."""

    EXPORT = "export"
    """JSON names: `amount` in major units, and `amountMinor` where there is one."""


def form_of(
    names: Collection[str], amount_metadata: Mapping[bytes, bytes] | None = None
) -> Form | None:
    """Return the form that a file's columns have; None for a file that another program wrote.

    Parameters
    ----------
    names : collection of str
        The columns, in any order; additional ones do not matter.
    amount_metadata : mapping of bytes to bytes, optional
        Metadata of Arrow's field `amount`.

    Returns
    -------
    Form or None
        A frame has all columns that are never null, or an `amount` marked as minor units; an
        export has all of them under their JSON names. Fewer columns prove nothing: other
        programs, too, name a column ``created_at``, with amounts in major units.

    Raises
    ------
    InvalidValue
        Naming ``amount``, when the columns of both are present: it could mean either.

    Examples
    --------
    >>> form_of(PAYMENTS), form_of(["id", "created_at", "amount", "currency"])
    (<Form.FRAME: 'frame'>, None)
    """
    required = {name: column.json for name, column in PAYMENTS.items() if not column.nullable}
    given = set(names)
    marked = MINOR_UNITS.items() <= dict(amount_metadata or {}).items()
    framed = marked or required.keys() <= given
    exported = set(required.values()) <= given
    if framed and exported:
        raise InvalidValue(
            "amount",
            "is in minor units in a data frame and in major units in an export, and the file has "
            "the columns of both: leave out _id and tenantId, or id and tenant_id",
        )
    return Form.FRAME if framed else Form.EXPORT if exported else None
