"""Simulated payments as a table: in columns from the first draw on, so that millions take seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from financeops.arrow.tables import SCHEMA, UTC_TIME
from financeops.core.acts import MOMENT, GivenBack, acts_text
from financeops.core.declines import meaning_of
from financeops.core.disputes import DisputeStatus, dispute_text
from financeops.core.fees import FeeKind
from financeops.core.payments import Status
from financeops.core.periods import DAY, MILLISECOND
from financeops.simulation.columns import ORDER, Columns, letters, names, payout_names
from financeops.simulation.costs import Costs
from financeops.simulation.drafts import (
    PARTIAL,
    aftermath_of,
    dispute_fee,
    whole_refunds,
)
from financeops.simulation.instruments import (
    AUTHENTICATIONS,
    BINS,
    CHANNELS,
    FUNDINGS,
    NETWORKS,
    PROCESSORS,
)
from financeops.simulation.population import CUSTOMERS, Integers, customer_ids

_PIECE = 50_000
"""Payments whose texts are made at once: what is large is memory that the system has to clear first."""


def table_of(columns: Columns) -> pa.Table:
    """The canonical table of simulated payments, as a ledger that had been told all of it has it."""
    people, config = columns.people, columns.people.config
    count, kinds, given = len(columns.moments), columns.instruments, columns.refunds
    whole = whole_refunds(columns)
    meanings = [meaning_of(code) for code in columns.codes]
    made: dict[str, Any] = {
        "id": _ids(count),
        "tenant_id": _same(config.tenant_id, count),
        "amount": pa.array(columns.amounts),
        "currency": _same(config.currency, count),
        "method": _texts(columns.methods, [profile.name for profile in people.methods]),
        "status": _texts(np.where(columns.declines >= 0, 1, np.where(whole < 0, 0, 2)), Status),
        "created_at": _times(columns.moments),
        "source": _same(config.source, count),
        "customer_id": _texts(columns.customers, customer_ids(np.arange(CUSTOMERS))),
        "country": _texts(columns.countries, people.countries),
        "decline_code": _texts(columns.declines, columns.codes),
        "failure_stage": _texts(columns.declines, [stage for stage, _ in meanings]),
        "decline_kind": _texts(columns.declines, [kind for _, kind in meanings]),
        "refunded_at": _times(whole),
        "refunded_amount": pa.array(given.amounts),
        "order_id": _order_ids(columns),
        "attempt": pa.array(columns.attempts + 1),
        "recovered_by": pa.array(columns.recovered, mask=columns.recovered == 0),
        "processor": _texts(kinds.processors, PROCESSORS),
        "network": _texts(kinds.networks, NETWORKS),
        "funding": _texts(kinds.fundings, FUNDINGS),
        "issuer_country": _texts(kinds.issuers, people.countries),
        "bin": _texts(kinds.bins, BINS),
        "last4": _texts(kinds.last4, [f"{end:04d}" for end in range(10_000)]),
        "channel": _texts(kinds.channels, CHANNELS),
        "authentication": _texts(kinds.authentications, AUTHENTICATIONS),
        "fee_amount": pa.array(columns.fee_amounts),
        "settled_amount": pa.array(np.zeros(count, np.int64)),
    }
    if columns.costs is not None:
        made |= _costs(columns, columns.costs)
    made |= _aftermath(columns)
    values = [
        made[name] if name in made else pa.nulls(count, SCHEMA.field(name).type)
        for name in SCHEMA.names
    ]
    return pa.table(values, schema=SCHEMA)


def _costs(columns: Columns, costs: Costs) -> dict[str, Any]:
    """Fees, and where the money is."""
    fees = costs.together
    charged = np.zeros_like(fees)
    charged[columns.disputes.places] = dispute_fee(columns)
    payouts, places = payout_names(costs, columns.instruments.processors)
    arrived = costs.settled >= 0
    return {
        "fees": _fee_texts(columns, costs),
        "fee_amount": pa.array(fees + charged),
        "payout_id": _texts(places, payouts),
        "settled_at": _times(costs.settled),
        "settled_amount": pa.array(np.where(arrived, columns.amounts - fees, 0)),
        "settled_currency": pc.if_else(
            pa.array(arrived), columns.people.config.currency, pa.scalar(None, pa.string())
        ),
    }


def _fee_texts(columns: Columns, costs: Costs) -> pa.ChunkedArray:
    """Texts as `core.fees.fees_text` writes them."""
    count, charged = len(columns.moments), dispute_fee(columns)
    later = pc.binary_join_element_wise(
        ',{"at":"',
        _moment_texts(columns.disputes.opened),
        f'","kind":"dispute","amount":{charged}}}]',
        "",
    )
    ends = pc.coalesce(_scattered(count, columns.disputes.places, later), "]")
    amounts = {
        FeeKind.INTERCHANGE: costs.interchange,
        FeeKind.PROCESSING: costs.processing,
        FeeKind.SCHEME: costs.scheme,
    }
    pieces = (slice(start, start + _PIECE) for start in range(0, count, _PIECE))
    texts = [
        _piece_of_fees(
            columns.moments[piece],
            {kind: amount[piece] for kind, amount in amounts.items()},
            ends[piece],
        )
        for piece in pieces
    ]
    return pa.chunked_array(texts, pa.string())


def _piece_of_fees(
    moments: Integers, amounts: Mapping[FeeKind, Integers], ends: pa.Array
) -> pa.Array:
    """Texts of some payments, those with the same kinds of fees at once; `ends` close them."""
    places: list[Integers] = []
    texts: list[pa.Array] = []
    cards, paid = amounts[FeeKind.INTERCHANGE] > 0, amounts[FeeKind.PROCESSING] > 0
    for of, kinds in ((paid & cards, tuple(amounts)), (paid & ~cards, (FeeKind.PROCESSING,))):
        which = np.flatnonzero(of)
        at = _moment_texts(moments[which])
        parts: list[Any] = []
        for kind in kinds:
            amount = pa.array(amounts[kind][which]).cast(pa.string())
            parts += ['},{"at":"' if parts else '[{"at":"', at]
            parts += [f'","kind":"{kind}","amount":', amount]
        texts.append(pc.binary_join_element_wise(*parts, "}", ends.take(pa.array(which)), ""))
        places.append(which)
    return _scattered(len(moments), np.concatenate(places), pa.concat_arrays(texts))


def _aftermath(columns: Columns) -> dict[str, Any]:
    """What was told later, and when the last of it was."""
    count = len(columns.moments)
    updated = np.maximum(columns.moments, columns.refunds.moments)
    disputes = columns.disputes
    last = np.maximum(disputes.opened, disputes.closed)
    updated[disputes.places] = np.maximum(updated[disputes.places], last)
    told = aftermath_of(columns)
    back = {place: each.part_back for place, each in told.items() if each.part_back}
    disputed = {place: each.dispute for place, each in told.items() if each.dispute}
    places = np.array(list(back), np.int64)
    ids = names(columns.moments[places], columns.orders[places])
    refunds = [
        acts_text([GivenBack(at=part.at, id=f"re_{name}", amount=part.amount, reason=PARTIAL)])
        for part, name in zip(back.values(), ids, strict=True)
    ]
    texts = list(map(dispute_text, disputed.values()))
    revision = np.zeros(count, np.int64)
    for place, dispute in disputed.items():
        revision[place] = 1 if dispute.status is DisputeStatus.OPEN else 2
    return {
        "updated_at": _times(updated),
        "refunds": _scattered(count, places, pa.array(refunds, pa.string())),
        "dispute": _scattered(
            count, np.array(list(disputed), np.int64), pa.array(texts, pa.string())
        ),
        "revision": pa.array(revision),
    }


def _scattered(count: int, places: Integers, values: pa.Array) -> pa.Array:
    """Values at some places of a longer array; nulls elsewhere."""
    sources = np.zeros(count, np.int64)
    sources[places] = np.arange(len(places))
    empty = np.ones(count, bool)
    empty[places] = False
    return values.take(pa.array(sources, mask=empty))


def _texts(numbers: Integers, values: Iterable[str | None]) -> pa.Array:
    """Texts by their numbers in a list; null for -1."""
    known: Sequence[str | None] = [None if each is None else str(each) for each in values]
    places = pa.array(numbers, mask=numbers < 0)
    return pa.array(known, pa.string()).take(places)


def _times(moments: Integers) -> pa.Array:
    """Times of milliseconds since 1970; null for negative ones."""
    return pa.array(moments, mask=moments < 0).cast(UTC_TIME)


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)


def _ids(count: int) -> pa.Array:
    """Numbers in 24 hexadecimal digits."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.full((count, 24), ord("0"), np.uint8)
    places = np.arange(count)
    for column in range(8):
        text[:, 23 - column] = digits[places >> 4 * column & 15]
    return _of_ascii(text)


def _order_ids(columns: Columns) -> pa.Array:
    named = letters(columns.begun, columns.orders)
    lead = np.broadcast_to(np.frombuffer(ORDER.encode(), np.uint8), (len(named), len(ORDER)))
    return _of_ascii(np.concatenate([lead, named], axis=1))


def _moment_texts(moments: Integers) -> pa.Array:
    """Moments as `core.acts.moment_text` writes them; in a hundredth of the time of `strftime`."""
    days, rest = np.divmod(moments, DAY // MILLISECOND)
    first = int(days.min()) if days.size else 0
    known = np.arange(first, int(days.max()) + 1 if days.size else first).astype("datetime64[D]")
    dates = np.frombuffer("".join(known.astype(str)).encode(), np.uint8).reshape(-1, 10)
    text = np.tile(np.frombuffer(MOMENT.encode(), np.uint8), (len(moments), 1))
    text[:, :10] = dates[days - first]
    for unit, places in (
        (3_600_000, (11, 12)),
        (60_000, (14, 15)),
        (1000, (17, 18)),
        (1, (20, 21, 22)),
    ):
        amount, rest = np.divmod(rest, unit)
        for place in reversed(places):
            amount, digit = np.divmod(amount, 10)
            text[:, place] += digit.astype(np.uint8)
    return _of_ascii(text)


def _of_ascii(text: np.ndarray[Any, np.dtype[np.uint8]]) -> pa.Array:
    """Texts of equal length, one row each."""
    count, length = text.shape
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(length)
    data = pa.py_buffer(np.ascontiguousarray(text))
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), data)
