"""What is known of the subjects of operations, and what is decided about each operation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from financeops.core.declines import Meaning
from financeops.core.errors import Conflict, FinanceOpsError, InvalidValue
from financeops.core.money import decimals_of, to_minor
from financeops.core.payments import Payment
from financeops.store.reporting_rates import Reporting
from financeops.store.writing.operations import Await, Outcome, Result


class Marks(Struct, frozen=True, kw_only=True):
    """What is stored beside a payment.

    `request_hash` is the digest of its request, `import_id` the import that created it, `moved_by`
    the import that marked it as refunded, and `moved_from` what had been given back before that.
    `came_with` is how many refunds its import brought with it, `row_content` the digest of its row if
    nothing but what that means names it.
    `keys` are those under which something was told of it, each with the digest of what that was;
    its dispute is `assumed` to be of the whole payment if nobody said its amount.
    """

    request_hash: str | None = None
    import_id: str | None = None
    moved_by: str | None = None
    moved_from: int | None = None
    came_with: int | None = None
    row_content: str | None = None
    keys: dict[str, str] | None = None
    assumed: bool | None = None


class Stored(Struct, frozen=True):
    """A payment and what is stored beside it."""

    payment: Payment
    marks: Marks


class KnownRow(Struct, frozen=True, kw_only=True):
    """A remembered row of a file, and its payment."""

    row_id: str
    content: str
    payment_id: str
    import_id: str


class Known(Struct, frozen=True, kw_only=True):
    """What the database holds about the subjects of the operations, and what their tenant makes of them.

    `declines` says how it reads decline codes, `reporting` how it converts amounts.
    """

    payments: dict[str, Stored]
    rows: dict[str, KnownRow] = {}
    imports: dict[str, str] = {}
    """The state of each import involved."""
    waiting: dict[str, dict[str, Await]] = {}
    """Acts that wait, by payment and by their own id."""
    declines: Mapping[str, Meaning] = {}
    reporting: Reporting


class Decided(Struct, frozen=True):
    """An answer, what will be stored beside its payment, and what was stored before."""

    outcome: Outcome
    marks: Marks = Marks()
    before: Payment | None = None


def not_before(payment: Payment, at: datetime) -> datetime:
    """The moment, or that of a payment whose sender's clock is ahead: a payment is refunded after it was made."""
    return max(at, payment.created_at)


def minor_of(amount: Decimal, payment: Payment) -> int:
    """Minor units of an amount in the payment's currency; raises `InvalidValue`, also if it is 0."""
    minor = to_minor(amount, payment.currency, decimals=decimals_of(payment.currency))
    if minor == 0:
        raise InvalidValue("amount", "must be more than 0")
    return minor


def being_taken_back(stored: Stored, known: Known) -> Conflict | None:
    """Why a payment must not change, if its import is being undone."""
    import_id = stored.marks.import_id
    if import_id is None or known.imports.get(import_id) != "undoing":
        return None
    return Conflict(f"the import {import_id}, which brought this payment, is being taken back")


def rejected(error: FinanceOpsError) -> Decided:
    """The operation is refused."""
    return Decided(Outcome(result=Result.REJECTED, error=error))


def conflict(error: Conflict) -> Decided:
    """The row of an import, or what undoes one, contradicts what is recorded."""
    return Decided(Outcome(result=Result.CONFLICT, error=error))
