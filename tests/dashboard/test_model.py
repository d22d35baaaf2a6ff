"""The model: its figures follow changes exactly."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core import metrics as figure
from financeops.core.breakdown import breakdown
from financeops.core.days import Days
from financeops.core.dimensions import MAX_VALUES, Dimension
from financeops.core.facets import NO_VALUE, holds
from financeops.core.payments import Change, Status
from financeops.core.periods import DAY, Period
from financeops.core.rollup import total
from financeops.dashboard import DashboardModel
from financeops.dashboard.state import model as module
from financeops.dashboard.state import timeline
from tests.builders import change, payment
from tests.dashboard.snapshots import listed_of, rollup_in, snapshot, windows_of
from tests.strategies import histories, instants, left_after, methods, zones

AS_OF = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def loaded(payments=(), *, period=Period.DAY, zone=BERLIN, facets=(), **options):
    """A model that shows a snapshot of these payments, which have these values."""
    model = DashboardModel(period=period if isinstance(period, Period) else Period.DAY)
    model.days = period if isinstance(period, Days) else None
    model.facets = facets
    model.load(snapshot(payments, as_of=AS_OF, zone=zone, period=period, **options))
    return model


@st.composite
def days(draw):
    """Days around `AS_OF`, from one to some years; some begin or end where another month does."""
    through = AS_OF.date() + draw(st.integers(-40, 3)) * DAY
    return Days(through - draw(st.sampled_from([0, 1, 2, 6, 30, 91, 92, 93, 500])) * DAY, through)


def recent(n, **fields):
    """Change number `n`: a payment just before `AS_OF`."""
    return change(n, id=f"{n:024x}", created_at=AS_OF - timedelta(minutes=1), **fields)


some_facets = st.sampled_from(
    [(), (("funding", "credit"),), *(((name, NO_VALUE),) for name in ("country", "network"))]
)


@given(
    history=histories(
        created=instants(AS_OF - timedelta(days=800), AS_OF),
        currencies=st.sampled_from(["USD", "JPY", "KWD"]),
    ),
    zone=zones,
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    method=st.none() | methods,
    data=st.data(),
)
def test_folded_changes_give_the_figures_of_all_selected_payments(
    history, zone, currency, method, data
):
    reporting = data.draw(st.booleans(), label="of all currencies")
    of = {"currency": currency, "reporting": reporting}
    period = data.draw(st.sampled_from(Period) | days())
    by = data.draw(st.sampled_from(Dimension))
    known = data.draw(st.integers(0, len(history)), label="in the snapshot")
    as_known = left_after(history[:known])
    said = {"by": by, "listed": listed_of(each.payment for each in history[:known])}
    counted = {} if by is Dimension.METHOD else said
    facets = data.draw(some_facets, label="facets")
    as_known = [each for each in as_known if holds(facets, each, {})]
    options = {"seq": known, "period": period, "facets": facets, **of, **counted}
    model = loaded(as_known, zone=zone, **options)
    model.by = by

    for each in history[known:]:
        model.receive(each)
        if data.draw(st.booleans(), label="filter"):
            model.method = data.draw(st.none() | methods)
        if data.draw(st.booleans(), label="pause or resume"):
            if model.paused:
                model.resume()
            else:
                model.paused = True
        elif data.draw(st.booleans(), label="look"):
            assert model.figures.seq == model.seq
    model.resume()
    model.method = method

    payments = [each for each in left_after(history) if holds(facets, each, {})]
    all_methods = snapshot(payments, as_of=AS_OF, zone=zone, period=period, **of)
    selected = [each for each in payments if method in {None, each.method}]
    wanted = snapshot(selected, as_of=AS_OF, zone=zone, period=period, **of)
    everything = total(wanted.bucket_rollups)
    before = rollup_in(selected, windows_of(period, AS_OF, zone)[1], zone, **of)
    shown = model.figures
    assert shown.by is by
    if by is Dimension.METHOD:
        assert shown.rows == breakdown(total(all_methods.bucket_rollups), by)
    else:
        listed = listed_of(each.payment for each in history)
        inside = rollup_in(selected, model.window, zone, listed=listed, **of)
        assert shown.rows == breakdown(inside, by)
    assert shown.metrics == figure.metrics(everything, currency=currency)
    assert shown.previous == figure.metrics(before, currency=currency)
    waiting = figure.unconverted(everything) if reporting else None
    assert shown.unconverted == waiting
    assert shown.trends == figure.trends(wanted.buckets, wanted.bucket_rollups)
    assert shown.methods == figure.methods(total(all_methods.bucket_rollups))
    assert shown.declines == figure.declines(everything)
    assert shown.hours == figure.attempts_by_hour(everything)
    assert (shown.seq, model.missed) == (len(history), 0)


def test_only_payments_with_the_chosen_values_are_added():
    """A value that is not listed counts as `other`, also for the feed."""
    model = DashboardModel()
    model.facets = (("country", "DE"), ("channel", "other"))
    full = frozenset(f"v{n}" for n in range(MAX_VALUES))
    empty = snapshot([], as_of=AS_OF, zone=BERLIN)
    model.load(replace(empty, others={"channel": full}))
    for n, said in enumerate(
        [
            {"country": "DE", "channel": "late"},
            {"country": "FR", "channel": "late"},
            {"country": "DE", "channel": "v7"},
            {"country": "DE"},
        ],
        1,
    ):
        model.receive(recent(n, **said))
    assert (model.figures.metrics.total_payments, model.seq) == (1, 4)
    assert [entry.payment.channel for entry in model.feed] == ["late"]
    assert not model.empty
    model.filter_by(Dimension.CHANNEL, "other")
    assert (model.facets, model.outdated) == ((("country", "DE"),), True)
    model.filter_by(Dimension.COUNTRY, "FR")
    assert model.question.facets == model.selection.facets == (("country", "FR"),)
    model.clear_filters()
    assert model.facets == ()


def test_while_paused_nothing_moves_and_nothing_is_lost():
    model = loaded()
    model.receive(recent(1, amount=100))
    model.paused = True
    before = model.figures

    model.receive(recent(2, amount=200))
    model.receive(recent(3, amount=300, status="failed"))

    assert (model.missed, model.figures) == (2, before)
    assert model.resume() == 2
    assert (model.missed, model.figures.metrics.total_volume) == (0, 300)
    assert [entry.payment.amount for entry in model.feed] == [300, 200, 100]


def test_a_pause_that_was_too_long_needs_a_snapshot(monkeypatch):
    monkeypatch.setattr(module, "HELD", 3)
    model = loaded()
    model.paused = True
    for n in range(1, 6):
        model.receive(recent(n))

    assert not model.needs_reload
    assert model.resume() == 5
    assert model.needs_reload
    assert model.figures.seq == 0

    model.load(snapshot([recent(n).payment for n in range(1, 6)], as_of=AS_OF, zone=BERLIN, seq=5))
    assert not model.needs_reload
    assert model.figures.metrics.total_payments == 5


def test_a_refund_changes_the_bucket_in_which_its_payment_was_created():
    paid = payment(created_at=AS_OF - timedelta(hours=3), amount=500)
    model = loaded([paid], seq=1)

    model.receive(change(2, status="refunded", created_at=paid.created_at, amount=500))

    assert model.figures.metrics.refunded_volume == 500
    assert model.figures.metrics.total_volume == 500
    assert [point.amount for point in model.figures.trends if point.count] == [500]


def test_another_currency_is_in_the_feed_and_not_in_the_figures():
    model = loaded()

    model.receive(recent(1, amount=100, currency="EUR"))

    assert model.figures.metrics.total_payments == 0
    assert [entry.payment.currency for entry in model.feed] == ["EUR"]
    assert model.seq == 1


def test_a_new_currency_can_be_chosen():
    model = loaded(currencies=["JPY", "USD"])

    model.receive(recent(1, currency="EUR"))
    model.receive(recent(2, currency="JPY"))

    assert model.currencies == ("EUR", "JPY", "USD")


def test_a_filter_requests_older_payments_and_once_cleared_shows_everything():
    model = loaded([recent(1).payment, recent(2, method="paypal").payment], seq=2)

    model.method = "paypal"
    assert [entry.payment.method for entry in model.feed] == ["paypal"]
    assert model.figures.metrics.total_payments == 1
    assert model.history_asked == 1
    model.status = Status.FAILED
    assert (model.feed, model.history_asked) == ([], 2)
    assert model.figures.metrics.total_payments == 1, "a status filters the feed only"
    assert not model.empty

    model.clear_filters()
    assert len(model.feed) == model.figures.metrics.total_payments == 2
    assert model.history_asked == 3


def test_a_chosen_currency_selects_the_feed_too_and_its_figures_are_awaited():
    model = loaded([recent(1).payment, recent(2, currency="JPY").payment], seq=2)
    assert len(model.feed) == 2

    model.chosen_currency = "JPY"
    assert [entry.payment.currency for entry in model.feed] == ["JPY"]
    assert model.history_asked == 1
    assert (model.outdated, model.slow) == (True, False)
    model.ticks += 2
    assert model.slow
    model.load(snapshot([], as_of=AS_OF, zone=BERLIN, currency="JPY"))
    assert not model.outdated
    model.period = Period.WEEK
    assert (model.outdated, model.slow) == (True, False)


def test_chosen_days_select_the_feed_too():
    """Of these days alone, also what arrives by the stream; a snapshot's newest payments do not end that."""
    old = [
        payment(id=f"{n:024x}", created_at=AS_OF - timedelta(days=3, minutes=n), country="DE")
        for n in range(5)
    ]
    for facets in ((), (("country", "DE"),)):
        model = loaded([recent(9, country="DE").payment], seq=9, facets=facets)
        day = AS_OF.date() - timedelta(days=3)
        model.days = Days(day, day)
        assert (model.feed, model.outdated) == ([], True)
        assert model.selection.window == model.question.window
        asked = model.history_asked
        assert asked
        model.remember(old[1:], complete=False)
        model.receive(recent(10, country="DE"))
        model.receive(change(11, id=old[0].id, created_at=old[0].created_at, country="DE"))
        wanted = [each.id for each in old]
        assert [entry.payment.id for entry in model.feed] == wanted
        newest = [recent(n, country="DE").payment for n in range(200, 110, -1)]
        merged = [*newest, recent(10, country="DE").payment]
        model.load(snapshot(merged, as_of=AS_OF, zone=BERLIN, period=model.days, seq=11))
        assert [entry.payment.id for entry in model.feed] == wanted
        back = replace(old[2], status=Status.REFUNDED, refunded_at=AS_OF, updated_at=AS_OF)
        model.receive(Change(seq=12, at=AS_OF, payment=back, previous_status=Status.SUCCESS))
        assert [entry.payment.id for entry in model.feed] == wanted
        assert [entry.payment.status for entry in model.feed].index(Status.REFUNDED) == 2
        model.remember([back], complete=True)  # as it is read later
        assert [(each.at, each.payment.id) for each in model.feed] == [
            (each.created_at, each.id) for each in old
        ]
        model.days = None
        assert [entry.payment.id for entry in model.feed] != wanted
        assert model.history_asked > asked


def test_what_is_loaded_while_paused_shows_nothing_later():
    model = loaded()
    model.receive(recent(1, amount=1))
    model.paused = True
    later = payment(id="f" * 24, created_at=AS_OF + timedelta(minutes=1))
    earlier = payment(id="e" * 24, created_at=AS_OF - timedelta(days=3))

    model.remember([later, earlier], complete=True)

    assert [entry.payment.id[-1] for entry in model.feed] == ["1", "e"]


def test_a_message_disappears_after_a_while():
    model = loaded()
    model.ticks = 5
    model.notice = "3 changes came".lower

    model.ticks = 5 + module.NOTICE - 1
    assert model.notice
    model.ticks += 1
    assert not model.notice


def test_figures_are_due_again_at_the_next_quarter_hour():
    model = loaded()

    assert not model.due(AS_OF + timedelta(minutes=9))
    assert model.due(AS_OF + timedelta(minutes=10))
    model.paused = True
    assert not model.due(AS_OF + timedelta(minutes=10))


def test_a_reload_keeps_the_feed():
    paid = recent(1, amount=100).payment
    model = loaded([paid], seq=1)
    model.receive(recent(2, amount=200))

    model.load(snapshot([paid, recent(2, amount=200).payment], as_of=AS_OF, zone=BERLIN, seq=2))

    assert sorted(entry.payment.amount for entry in model.feed) == [100, 200]


def test_a_tenant_without_payments_is_empty_until_the_first_one():
    model = loaded()
    assert model.empty
    assert model.figures.metrics.success_rate is None

    model.receive(recent(1))

    assert not model.empty


def test_the_feed_is_bounded():
    model = loaded()
    for n in range(1, timeline.HISTORY + 50):
        model.receive(recent(n))

    assert len(model.feed) == timeline.HISTORY
    assert model.figures.metrics.total_payments == timeline.HISTORY + 49
