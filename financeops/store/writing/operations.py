"""Operations on the ledger, and their outcomes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, structs

from financeops.core.act_terms import DisputeTerms, FeesTerms, SettlementTerms, digest_of
from financeops.core.acts import GivenBack
from financeops.core.disputes import Disputed
from financeops.core.errors import FinanceOpsError
from financeops.core.payments import Draft, Payment
from financeops.store.dead_letters import Letter
from financeops.store.documents import Key, derived_payment_id, new_payment_id


class Result(StrEnum):
    """Result of an operation."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    REFUNDED = "refunded"
    UPDATED = "updated"
    CONFLICT = "conflict"
    REMOVED = "removed"
    RESTORED = "restored"
    WAITING = "waiting"


class Insert(Struct, frozen=True, kw_only=True):
    """Record a payment. With a `key` it counts once, however often it is sent.

    `key` consists of a kind and a value; `request_hash` tells the same request, sent again, from
    another one under the same key. `acts` are what became of the payment before it is recorded: it
    is recorded with all of it, or not at all.
    """

    draft: Draft
    key: Key | None = None
    request_hash: str | None = None
    acts: tuple[Act, ...] = ()


class ImportRow(Struct, frozen=True, kw_only=True):
    """Record the payment of a row of a file, unless it is known already.

    It is recognised by its `key`; by `export_id`, the id of the payment in an export of FinanceOps;
    or by the row as it is written, however it was read: `base` identifies it without what a change
    of status changes, and with how often the same came before in its file, `content` by everything
    in it. If its payment is new, it is recorded with `refunds` and `dispute`.
    """

    draft: Draft
    key: Key
    import_id: str
    base: str
    content: str
    export_id: str | None = None
    request_hash: str | None = None
    refunds: tuple[GivenBack, ...] | None = None
    dispute: Disputed | None = None

    @property
    def by_meaning(self) -> bool:
        """Whether nothing names its payment: neither a reference nor the id of an export."""
        return self.export_id is None and self.request_hash is None

    @property
    def row_id(self) -> str:
        """Id under which the row is remembered."""
        return derived_payment_id(self.draft.tenant_id, ("row", self.base))


class Refund(Struct, frozen=True, kw_only=True):
    """Give back a part of a succeeded payment, or what is left of it.

    `amount` is in major units, because only the payment tells its currency; without one the rest
    is given back, which counts once. `refund_id` names one refund of several; if it is `keyed`, it
    follows from a key, and the refund counts once too. `at` is when it happened, by default when
    it is committed.
    """

    payment_id: str
    amount: Decimal | None = None
    reason: str | None = None
    at: datetime | None = None
    refund_id: str = ""
    keyed: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing is said of it but that the rest is given back."""
        return not (self.keyed or self.reason or self.at or self.amount is not None)


class ActKey(Struct, frozen=True):
    """The key of what is told of a payment, and the digest of what that is."""

    id: str
    content: str


class Dispute(Struct, frozen=True, kw_only=True):
    """Tell that a payment is disputed, or how its dispute ended; telling it again counts once.

    Events of a provider say more than once when it was opened, and may end it again: told `by_event` the
    earliest opening and the latest end count, in whatever order they are told.
    """

    payment_id: str
    terms: DisputeTerms
    key: ActKey | None = None
    by_event: bool = False


class Fees(Struct, frozen=True, kw_only=True):
    """Tell more of what a payment costs; without a key, each time counts."""

    payment_id: str
    terms: FeesTerms
    key: ActKey | None = None


class Settlement(Struct, frozen=True, kw_only=True):
    """Tell when and as what the money of a payment arrived; telling it again counts once."""

    payment_id: str
    terms: SettlementTerms
    key: ActKey | None = None


Act = Refund | Dispute | Fees | Settlement


class Await(Struct, frozen=True, kw_only=True):
    """Tell something of a payment that may not be recorded yet: then it waits for the payment.

    `id` names the act, so that twice is once, and `at` is when it happened: in this order acts that wait
    are applied. `currency` is that of its amounts, if it says so. `letter` is what told it, kept if the
    payment refuses the act when it comes.
    """

    id: str
    act: Act
    at: datetime
    letter: Letter
    currency: str | None = None


class Remove(Struct, frozen=True, kw_only=True):
    """Undo that an import created a payment, which came `refunded` or not."""

    payment_id: str
    import_id: str
    refunded: bool


class Restore(Struct, frozen=True, kw_only=True):
    """Undo that an import marked a payment as refunded."""

    payment_id: str
    import_id: str


class Convert(Struct, frozen=True, kw_only=True):
    """Convert a payment into its tenant's own currency, if that is not done; `again`, also if it is."""

    payment_id: str
    again: bool = False


class Overdue(Struct, frozen=True, kw_only=True):
    """Apply what waits beside a payment that is recorded, as it should not."""

    payment_id: str


Operation = Insert | ImportRow | Act | Await | Remove | Restore | Convert | Overdue


class Outcome(Struct, frozen=True, kw_only=True):
    """Outcome of one operation: the payment as it is now, or the error that refused it."""

    result: Result
    payment: Payment | None = None
    error: FinanceOpsError | None = None


def counts_once(operation: Operation) -> bool:
    """Whether sending an operation again changes nothing."""
    match operation:
        case Insert(key=key):
            return key is not None
        case Refund(amount=amount, keyed=keyed):
            return amount is None or keyed
        case Fees(key=key):
            return key is not None
        case _:
            return True


def refund_id_of(tenant_id: str, payment_id: str, key: str | None) -> str:
    """The id of a refund: it follows from its key, if it has one."""
    if key is None:
        return new_payment_id()
    return derived_payment_id(tenant_id, ("refund", f"{payment_id.lower()}\0{key}"))


_KINDS: dict[type, str] = {
    Refund: "refund",
    Dispute: "dispute",
    Fees: "fees",
    Settlement: "settlement",
}


def kind_of(act: type[Act]) -> str:
    """The word for a kind of acts."""
    return _KINDS[act]


def keyed(
    act: Dispute | Fees | Settlement, tenant_id: str, key: str | None
) -> Dispute | Fees | Settlement:
    """The same act, with what its key means for its payment and for acts of its kind."""
    if key is None:
        return act
    kind = _KINDS[type(act)]
    named = derived_payment_id(tenant_id, (kind, f"{act.payment_id.lower()}\0{key}"))
    return structs.replace(act, key=ActKey(named, digest_of(act.terms)))


def payment_named(tenant_id: str, reference: str) -> str:
    """The id of the payment with a reference, which may not be recorded yet."""
    return derived_payment_id(tenant_id, ("reference", reference))


def await_payment(
    act: Act,
    tenant_id: str,
    *,
    name: str,
    at: datetime,
    letter: Letter,
    currency: str | None = None,
) -> Await:
    """The act, told by the payment's reference; its `name` tells it from others of its kind."""
    key = ("waiting", f"{act.payment_id}\0{kind_of(type(act))}\0{name}")
    waiting_id = derived_payment_id(tenant_id, key)
    return Await(id=waiting_id, act=act, at=at, letter=letter, currency=currency)


def payment_id_of(tenant_id: str, operation: Operation) -> str:
    """The id of an operation's payment, fixed before the first try."""
    match operation:
        case Insert(key=None):
            return new_payment_id()
        case Insert(key=key) | ImportRow(key=key):
            assert key is not None
            return derived_payment_id(tenant_id, key)
        case Await(act=act):
            return act.payment_id.lower()
        case (
            Refund()
            | Dispute()
            | Fees()
            | Settlement()
            | Remove()
            | Restore()
            | Convert()
            | Overdue()
        ):
            return operation.payment_id.lower()  # as the database spells it
