"""The canonical columns of payments: what every data frame and every file of them is made of.

One row per payment, columns named as the fields of `financeops.core.payments.Payment`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from financeops.core.errors import InvalidValue
from financeops.core.payments import FIELDS

PAYMENTS = FIELDS
"""The columns of the canonical frame. Amounts are minor units, instants have a time zone."""

MINOR_UNITS = {b"unit": b"minor"}
"""What the field of `amount` says of itself in Arrow, and in Parquet that Arrow wrote."""


class Form(StrEnum):
    """How a file of this package's own making names its columns, and so what `amount` means."""

    FRAME = "frame"
    """Canonical names, as a data frame of payments is saved: `amount` in minor units."""

    EXPORT = "export"
    """JSON names: `amount` in major units, and `amountMinor` where there is one."""


def form_of(
    names: Collection[str], amount_metadata: Mapping[bytes, bytes] | None = None
) -> Form | None:
    """Which form a file's columns have; None for a file of somebody else's.

    Parameters
    ----------
    names : collection of str
        The columns, in any order; more of them do not matter.
    amount_metadata : mapping of bytes to bytes, optional
        What Arrow's field of `amount` says of itself.

    Returns
    -------
    Form or None
        A frame has all columns that are never null, or an `amount` that says it is in minor
        units; an export has all of them by their JSON names. Fewer say nothing: other people
        call a column ``created_at`` too, and mean major units.

    Raises
    ------
    InvalidValue
        Naming ``amount``, when the columns are those of both: it could mean either.

    Examples
    --------
    >>> form_of(PAYMENTS), form_of(["id", "created_at", "amount", "currency"])
    (<Form.FRAME: 'frame'>, None)
    """
    required = {name: column.json for name, column in PAYMENTS.items() if not column.nullable}
    there = set(names)
    marked = MINOR_UNITS.items() <= dict(amount_metadata or {}).items()
    framed = marked or required.keys() <= there
    exported = set(required.values()) <= there
    if framed and exported:
        raise InvalidValue(
            "amount",
            "is in minor units in a data frame and in major units in an export, and the file has "
            "the columns of both: leave out _id and tenantId, or id and tenant_id",
        )
    return Form.FRAME if framed else Form.EXPORT if exported else None
