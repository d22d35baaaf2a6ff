"""The feed's entries: in order, each once, and without gaps."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from financeops.core.contract.agreements import FEED_LENGTH
from financeops.core.payments import Status
from financeops.core.selection import Selection
from financeops.dashboard.state import timeline as module
from financeops.dashboard.state.timeline import Timeline
from tests.builders import change, payment
from tests.strategies import METHODS

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def paid(n, **fields):
    """Payment number `n`, one minute after the previous one."""
    return payment(id=f"{n:024x}", created_at=NOON + timedelta(minutes=n), **fields)


def newest(*numbers, **fields):
    """Payments as the server lists them."""
    return [paid(n, **fields) for n in sorted(numbers, reverse=True)]


def happened(n, **fields):
    return change(n, id=f"{n:024x}", created_at=NOON + timedelta(minutes=n), **fields)


def numbers(timeline):
    """Return the numbers of the payments shown, newest first."""
    return [int(entry.payment.id, 16) for entry in timeline.page(0, len(timeline))]


def test_a_page_is_counted_from_the_newest():
    timeline = Timeline()
    for n in range(1, 31):
        timeline.add(happened(n))

    assert [int(entry.payment.id, 16) for entry in timeline.page(12, 3)] == [18, 17, 16]
    assert timeline.page(30, 12) == []


def test_attempts_of_an_order_stand_where_the_newest_of_them_is():
    timeline = Timeline()
    for n in range(1, 31):
        order = {1: "a", 7: "b", 20: "a", 21: "b", 29: "a"}.get(n)
        timeline.add(happened(n, order_id=order))

    def page(first, count=3):
        begin, orders = timeline.page_of_orders(first, count)
        return begin, [[int(entry.payment.id, 16) for entry in order] for order in orders]

    assert page(0) == (0, [[30], [29, 20, 1]])  # whole orders, so one more
    assert page(2) == (1, [[29, 20, 1], [28]])  # from the order to which that line belongs
    assert page(4) == (4, [[28], [27], [26]])
    assert page(10, 2) == (10, [[22], [21, 7]])
    assert page(29, 12) == (29, [[2]])
    assert sorted(n for order in page(0, 30)[1] for n in order) == list(range(1, 31))


def test_an_entry_that_was_read_before_it_arrived_is_shown_once():
    timeline = Timeline()
    timeline.merge(newest(1, 2, 3))

    timeline.add(happened(3))
    timeline.add(happened(4))

    assert numbers(timeline) == [4, 3, 2, 1]


def test_what_was_taken_back_is_no_longer_a_line():
    timeline = Timeline()
    timeline.merge([paid(3), paid(2, status="refunded"), paid(1)])
    timeline.select(Selection(method="card"))
    timeline.add(happened(1, status="refunded", moment="2026-03-10T13:00:00Z"))
    timeline.add(happened(3, previous_status="success", removed=True))
    assert numbers(timeline) == [2, 1, 1]

    # One payment whose refund is its only line, and one that has both.
    timeline.add(happened(2, previous_status="refunded"))
    timeline.add(happened(1, previous_status="refunded"))
    assert [(each.key, each.at) for each in timeline.page(0, 9)] == [
        (f"{n:024x}-success", NOON + timedelta(minutes=n)) for n in (2, 1)
    ]
    timeline.select(Selection())
    assert numbers(timeline) == [2, 1]


def test_an_attempt_that_gets_another_number_is_no_news():
    timeline = Timeline()
    timeline.merge([paid(2, status="refunded"), paid(1)])
    timeline.add(happened(2, previous_status="refunded", status="refunded", attempt=2))
    timeline.add(happened(1, previous_status="success", attempt=3))
    timeline.add(happened(0, previous_status="success", attempt=2))
    assert [(int(each.payment.id, 16), each.payment.attempt) for each in timeline.page(0, 9)] == [
        (2, 2),
        (1, 3),
    ]
    assert timeline.added == 0


def test_parts_that_were_given_back_are_in_the_line_of_the_whole_afterwards():
    timeline = Timeline()
    timeline.add(happened(1, amount=500))
    timeline.add(happened(1, amount=500, previous_status="success", refunded_amount=200))
    assert [entry.payment.returned for entry in timeline.page(0, 9)] == [200]

    whole = {"status": "refunded", "moment": "2026-03-10T13:00:00Z"}
    timeline.add(happened(1, amount=500, **whole))
    assert [entry.payment.returned for entry in timeline.page(0, 9)] == [500, 0]


def test_a_refund_is_a_line_of_its_own():
    timeline = Timeline()
    timeline.add(happened(1))
    timeline.add(happened(1, status="refunded", moment="2026-03-10T13:00:00Z"))

    assert [entry.payment.status for entry in timeline.page(0, 9)] == ["refunded", "success"]


def test_a_refund_of_a_part_shows_on_the_line_of_its_payment():
    def part(n, back, **fields):
        told = {"previous_status": "success", "moment": "2026-03-10T13:00:00Z"}
        return happened(n, amount=500, refunded_amount=back, **told, **fields)

    timeline = Timeline()
    timeline.merge([paid(3, amount=500), paid(2, amount=500, refunded_amount=300), paid(1)])
    timeline.select(Selection(status=Status.SUCCESS))
    for change_of in (part(3, 100), part(2, 200), part(2, 400), part(0, 50)):
        timeline.add(change_of)
    lines = [(each.payment.returned, each.at) for each in timeline.page(0, 9)]
    assert lines == [
        (100, NOON + timedelta(minutes=3)),
        (400, NOON + timedelta(minutes=2)),
        (0, NOON + timedelta(minutes=1)),
    ]  # and of one that is older than all it is unknown what is between
    assert timeline.added == 0

    timeline.select(Selection())
    timeline.add(happened(3, amount=500, status="refunded", moment="2026-03-10T14:00:00Z"))
    assert numbers(timeline) == [3, 3, 2, 1]


def test_what_is_told_later_shows_on_the_lines_of_its_payment_and_is_no_news():
    def told(n, revision, **fields):
        fields = {"status": "refunded", "source": "import", **fields}
        previous = {"previous_status": fields["status"], "moment": "2026-03-10T14:00:00Z"}
        return happened(n, amount=500, revision=revision, **previous, **fields)

    timeline = Timeline()
    timeline.merge([paid(3, amount=500, revision=2), paid(2, amount=500)])
    timeline.add(happened(3, amount=500, status="refunded", moment="2026-03-10T13:00:00Z"))
    timeline.add(told(3, 4))
    timeline.add(told(2, 1, status="success"))
    timeline.add(told(3, 1, status="success"))  # it was read when more was known
    timeline.add(told(0, 1))
    lines = [(each.payment.status, each.payment.revision) for each in timeline.page(0, 9)]
    assert lines == [("refunded", 4), ("success", 2), ("success", 1)]
    assert timeline.added == 1


def test_a_selection_shows_what_is_known_and_then_what_is_older():
    timeline = Timeline()
    timeline.merge([paid(9, method="paypal"), *newest(7, 8)])

    timeline.select(Selection(method="paypal"))
    assert numbers(timeline) == [9]

    timeline.extend(newest(3, 9, method="paypal"), complete=False)
    assert (numbers(timeline), timeline.extensible) == ([9, 3], True)
    timeline.extend(newest(1, 3, method="paypal"), complete=True)
    assert (numbers(timeline), timeline.extensible) == ([9, 3, 1], False)

    timeline.select(Selection())
    assert numbers(timeline) == [9, 8, 7]


def test_after_a_gap_nothing_older_is_kept():
    timeline = Timeline()
    assert timeline.merge(newest(1, 2))
    assert timeline.merge(newest(2, 3))
    assert numbers(timeline) == [3, 2, 1]

    assert not timeline.merge(newest(50, 51))
    assert numbers(timeline) == [51, 50]


def test_while_paused_nothing_later_is_shown():
    timeline = Timeline()

    timeline.extend(newest(1, 2, 3), complete=True, until=paid(2).updated_at)

    assert numbers(timeline) == [2, 1]


def test_it_stays_bounded_however_many_payments_arrive():
    timeline = Timeline()
    for n in range(1, module.HISTORY + 10):
        timeline.add(happened(n))

    assert len(timeline) == module.HISTORY
    assert not timeline.extensible
    timeline.select(Selection(status=Status.SUCCESS))
    assert len(timeline) == module.FEED


@given(
    made=st.lists(
        st.tuples(st.sampled_from(METHODS), st.sampled_from([Status.SUCCESS, Status.FAILED])),
        max_size=30,
    ),
    status=st.none() | st.sampled_from(Status),
    method=st.none() | st.sampled_from(METHODS),
    data=st.data(),
)
def test_live_and_older_entries_make_the_list_of_all_that_are_selected(made, status, method, data):
    changes = [happened(n, method=m, status=s) for n, (m, s) in enumerate(made, start=1)]
    known = data.draw(st.integers(0, len(changes)), label="in the snapshot")
    selected_at = data.draw(st.integers(known, len(changes)), label="selected")
    timeline = Timeline()
    timeline.merge([each.payment for each in reversed(changes[:known])][:3])

    for each in changes[known:selected_at]:
        timeline.add(each)
    timeline.select(Selection(status=status, method=method))
    wanted = [each.payment for each in reversed(changes) if _fits(each.payment, status, method)]
    # The server's list may already contain what the stream has yet to send.
    timeline.extend(wanted, complete=True)
    for each in changes[selected_at:]:
        timeline.add(each)

    assert [entry.payment for entry in timeline.page(0, 99)] == wanted


def _fits(payment, status, method):
    return status in {None, payment.status} and method in {None, payment.method}


def test_a_payment_recorded_later_takes_its_place_and_is_not_announced():
    timeline = Timeline()
    timeline.merge(newest(10, 20, 30))

    timeline.add(happened(25))
    assert numbers(timeline) == [30, 25, 20, 10]
    assert timeline.added == 0
    timeline.add(happened(31))
    assert timeline.added == 1
    # It reaches back to the very first payment, so an older one belongs to it.
    timeline.add(happened(5))
    assert numbers(timeline) == [31, 30, 25, 20, 10, 5]


def test_an_older_one_is_left_out_if_others_may_lie_between():
    timeline = Timeline()
    timeline.merge(newest(*range(100, 100 + FEED_LENGTH)))

    timeline.add(happened(50))
    assert numbers(timeline)[-1] == 100
