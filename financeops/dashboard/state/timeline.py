"""The entries of the live feed, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from financeops.core.contract.agreements import FEED_LENGTH
from financeops.core.dimensions import Listed
from financeops.core.payments import Change, EventType, Payment, Status
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME

FEED = 500
"""How many of the newest entries to keep, whatever is selected."""

HISTORY = 1_000
"""How many entries the viewer can page back."""


class Grouping(StrEnum):
    """What stands together in the feed."""

    PAYMENT = "payment"
    ORDER = "order"


class Entry(Struct, frozen=True):
    """One line of the feed: a payment or a refund, and its time."""

    at: datetime
    payment: Payment

    @property
    def key(self) -> str:
        """Key of the line: a refunded payment has two lines."""
        return _key(self.payment.id, self.payment.status)


class Timeline:
    """Known entries, and the selected ones among them.

    The selected entries have no gaps, and go back to the very first if `complete`. Of a selection with a
    window, each payment has one line, at the time when it was made: refunds of later days are none.
    `beginning` counts how often they began anew: older ones that were asked for before are not
    theirs. `added` counts those that happened since.
    """

    def __init__(self) -> None:
        # Oldest first, by key: an entry that was read may also arrive later by the stream.
        self._recent: dict[str, Entry] = {}
        self._selected: dict[str, Entry] = {}
        self.selection = Selection()
        self.listed: Listed = {}
        self.complete = False
        self.beginning = 0
        self.added = 0

    def __len__(self) -> int:
        return len(self._selected)

    def __contains__(self, payment: object) -> bool:
        return isinstance(payment, Payment) and _entry(payment).key in self._selected

    def page(self, first: int, count: int) -> list[Entry]:
        """Return `count` selected entries from index `first`, newest first."""
        return list(islice(reversed(self._selected.values()), first, first + count))

    @property
    def has_orders(self) -> bool:
        """Whether one of the selected entries says which order it is for."""
        return any(entry.payment.order_id is not None for entry in self._selected.values())

    def page_of_orders(self, first: int, count: int) -> tuple[int, list[list[Entry]]]:
        """Return whole orders, the one with the newest entry first.

        Parameters
        ----------
        first : int
            Index of an entry; the order that it belongs to comes first.
        count : int
            At least so many entries, if there are.

        Returns
        -------
        int
            Index of the first entry returned.
        list of list of Entry
            The known entries of each order, newest first. A payment without an order is one of its own.
        """
        orders: dict[tuple[str | None, str], list[Entry]] = {}
        for entry in reversed(self._selected.values()):
            order = entry.payment.order_id
            orders.setdefault((order, entry.payment.id if order is None else ""), []).append(entry)
        at, begin, found = 0, 0, []
        for order_entries in orders.values():
            at += len(order_entries)
            if at <= first:
                begin = at
            elif at - len(order_entries) < first + count:
                found.append(order_entries)
        return begin, found

    def payment(self, payment_id: str) -> Payment | None:
        """A payment as the newest of its lines has it; None if it has none."""
        keys = [_key(payment_id, status) for status in Status]
        known = [
            entries[key].payment
            for entries in (self._recent, self._selected)
            for key in keys
            if key in entries
        ]
        return max(known, key=lambda payment: payment.updated_at, default=None)

    @property
    def silent(self) -> bool:
        """Whether no entries are known, selected or not."""
        return not self._recent

    @property
    def extensible(self) -> bool:
        """Whether there may be older selected entries within the viewer's reach."""
        return not self.complete and len(self._selected) < HISTORY

    def _holds(self, payment: Payment) -> bool:
        return self.selection.holds(payment, self.listed)

    @property
    def _made(self) -> bool:
        """Whether the selected entries are of when payments were made, whatever happened to them later."""
        return self.selection.window != ALL_TIME

    def _shown(self, entries: Iterable[Entry]) -> list[Entry]:
        """The selected ones of entries, as they are shown."""
        chosen = [entry for entry in entries if self._holds(entry.payment)]
        return self._once(chosen) if self._made else chosen

    def _joined(self, entries: Iterable[Entry]) -> dict[str, Entry]:
        """The newest of selected entries, some of which may be shown already."""
        return _newest(self._once(entries) if self._made else entries, HISTORY)

    def _once(self, entries: Iterable[Entry]) -> list[Entry]:
        """One entry of each payment, of when it was made, oldest first."""
        latest: dict[str, Payment] = {}
        for payment in (entry.payment for entry in entries):
            known = latest.get(payment.id)
            if known is None or _says_more(payment, known):
                latest[payment.id] = payment
        made = [Entry(payment.created_at, payment) for payment in latest.values()]
        return sorted(made, key=lambda entry: entry.at)

    def clear(self) -> None:
        """Forget all entries; keep the selection."""
        self._recent.clear()
        self._begin({})

    def add(self, change: Change) -> None:
        """Add a change: in front if it is new, in its place if it happened earlier.

        A history or an import that is being recorded is no news; what was taken back is no line
        any more. A refund of a part is no line of its own: it shows on that of its payment, and so
        does all else that is told of a payment later.
        """
        payment = change.payment
        if change.taken_back:
            self._take_back(change)
            return
        whole, before = change.refunds_whole, _key(payment.id, Status.SUCCESS)
        entry = Entry(change.at if whole else payment.created_at, payment)
        for entries in (self._recent, self._selected):
            known = entries.get(entry.key)
            if known is not None and _says_more(payment, known.payment):
                entries[entry.key] = Entry(known.at, payment)
            if whole and (sold := entries.get(before)) and sold.payment.returned:
                # What was given back in parts is in the line of the whole.
                sale = replace(sold.payment, refunded_amount=None, refunds=None)
                entries[before] = Entry(sold.at, sale)
        if change.type in _LATER:
            return
        _put(self._recent, entry, FEED, complete=False)
        chosen = self._shown([entry])
        if whole and self._made and before in self._selected:
            del self._selected[before]
            self._selected = self._joined((*self._selected.values(), *chosen))
            return
        for shown in chosen:
            self.added += _put(self._selected, shown, HISTORY, complete=self.complete)

    def _take_back(self, change: Change) -> None:
        payment = change.payment
        gone = list(Status) if change.removed else [Status.REFUNDED]
        for entries in (self._recent, self._selected):
            for status in gone:
                entries.pop(_key(payment.id, status), None)
        if change.removed:
            return
        entry = _entry(payment)  # it may only have the line of its refund
        self._recent = _newest((*self._recent.values(), entry), FEED)
        if self._holds(entry.payment):
            self._selected = self._joined((*self._selected.values(), entry))

    def merge(self, payments: list[Payment], *, filtered: bool = False) -> bool:
        """Merge the newest payments; `filtered` if they are only those of the selection's facets.

        Returns
        -------
        bool
            False when there may be others between them and what was known before: then that is
            forgotten, and the selected entries have to be asked for.
        """
        entries = [_entry(payment) for payment in reversed(payments)]
        chosen = self._shown(entries)
        known = self._selected if filtered else self._recent
        # The newest of all payments say nothing about those of a time before.
        compared = bool(chosen) or not filtered or self.selection.window == ALL_TIME
        gap = bool(known) and compared and not any(entry.key in known for entry in entries)
        if gap:
            self.clear()
        # Between some of all payments there may be others.
        self._recent = {} if filtered else _newest((*self._recent.values(), *entries), FEED)
        self._selected = self._joined((*self._selected.values(), *chosen))
        self.complete = self.complete or len(payments) < FEED_LENGTH
        return not gap

    def select(self, selection: Selection) -> None:
        """Change the selection among known entries; older ones must be requested."""
        self.selection = selection
        known = self._shown(self._recent.values())
        self._begin({entry.key: entry for entry in known})

    def extend(
        self, payments: list[Payment], *, complete: bool, until: datetime | None = None
    ) -> None:
        """Add older selected payments; `complete` if they go back to the first.

        What changed after `until` is left out.
        """
        entries = [
            _entry(payment)
            for payment in reversed(payments)
            if until is None or payment.updated_at <= until
        ]
        self._selected = self._joined((*entries, *self._selected.values()))
        self.complete = complete

    def _begin(self, selected: dict[str, Entry]) -> None:
        self._selected = selected
        self.complete = False
        self.beginning += 1


_LATER = (EventType.DISPUTED, EventType.UPDATED)
"""What is told of a payment that has its line, or is older than all lines."""


def _says_more(payment: Payment, known: Payment) -> bool:
    """Whether a payment is newer: one that was read may know more than the stream has told so far."""
    told = (payment.revision or 0) - (known.revision or 0)
    if told or payment.returned != known.returned:
        return told > 0 or payment.returned > known.returned
    return payment.updated_at >= known.updated_at  # it may have another number in its order


def _key(payment_id: str, status: Status) -> str:
    return f"{payment_id}-{status.value}"


def _entry(payment: Payment) -> Entry:
    return Entry(payment.refunded_at or payment.created_at, payment)


def _put(entries: dict[str, Entry], entry: Entry, most: int, *, complete: bool) -> bool:
    """Put an entry in its place; whether that is the first.

    One that is older than all is left out, for between them may be others: unless the entries go
    back to the very first and there is room.
    """
    if entry.key in entries:
        return False
    if not entries or entry.at >= next(reversed(entries.values())).at:
        entries[entry.key] = entry
        if len(entries) > most:
            del entries[next(iter(entries))]
        return True
    oldest = next(iter(entries.values()))
    if entry.at > oldest.at or (complete and len(entries) < most):
        placed = _newest((*entries.values(), entry), most)
        entries.clear()
        entries.update(placed)
    return False


def _newest(entries: Iterable[Entry], most: int) -> dict[str, Entry]:
    unique = {entry.key: entry for entry in entries}
    newest = sorted(unique.values(), key=lambda entry: entry.at)[-most:]
    return {entry.key: entry for entry in newest}
