"""What the ledger can be asked to do, and what it answers."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from financeops.core.errors import FinanceOpsError
from financeops.core.payments import Draft, Payment
from financeops.store.documents import Key, derived_payment_id, new_payment_id


class Result(StrEnum):
    """What became of an operation."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    REFUNDED = "refunded"
    UPDATED = "updated"
    CONFLICT = "conflict"
    REMOVED = "removed"
    RESTORED = "restored"


class Insert(Struct, frozen=True, kw_only=True):
    """Record a payment. With a `key` it counts once, however often it is sent.

    `key` says of what kind it is, and its value; `request_hash` tells the same request
    sent again from another one under the same key.
    """

    draft: Draft
    key: Key | None = None
    request_hash: str | None = None


class ImportRow(Struct, frozen=True, kw_only=True):
    """Record what a row of a file says, if its payment is not known yet.

    It is known by its `key`; by `export_id`, the id of the payment in an export of ours; or by the
    row as it is written, whatever it was taken to mean: `base` names it without what a change of
    status changes, with how often that came before in its file, `content` with all it says.
    """

    draft: Draft
    key: Key
    import_id: str
    base: str
    content: str
    export_id: str | None = None
    request_hash: str | None = None

    @property
    def row_id(self) -> str:
        """Under which the row is remembered."""
        return derived_payment_id(self.draft.tenant_id, ("row", self.base))


class Refund(Struct, frozen=True, kw_only=True):
    """Give a succeeded payment's money back."""

    payment_id: str


class Remove(Struct, frozen=True, kw_only=True):
    """Take back that an import created a payment, which came `refunded` or not."""

    payment_id: str
    import_id: str
    refunded: bool


class Restore(Struct, frozen=True, kw_only=True):
    """Take back that an import said of a payment that it was refunded."""

    payment_id: str
    import_id: str


Operation = Insert | ImportRow | Refund | Remove | Restore


class Outcome(Struct, frozen=True, kw_only=True):
    """Answer to one operation: the payment as it is now, or the error that refused it."""

    result: Result
    payment: Payment | None = None
    error: FinanceOpsError | None = None


def counts_once(operation: Operation) -> bool:
    """Whether an operation, sent again, changes nothing."""
    return not (isinstance(operation, Insert) and operation.key is None)


def payment_id_of(tenant_id: str, operation: Operation) -> str:
    """The id of an operation's payment, fixed before the first try."""
    match operation:
        case Insert(key=None):
            return new_payment_id()
        case Insert(key=key) | ImportRow(key=key):
            assert key is not None
            return derived_payment_id(tenant_id, key)
        case Refund() | Remove() | Restore():
            return operation.payment_id.lower()  # as the database writes it
