"""The position in a sequence of changes, without a network."""

from hypothesis import given
from hypothesis import strategies as st

from financeops.client.sequence import Sequence
from tests.builders import change


@given(st.lists(st.integers(1, 12), max_size=40), st.integers(0, 12))
def test_every_change_passes_once_and_in_order_however_changes_arrive(arriving, known):
    sequence = Sequence(known)
    passed = []
    for number in arriving:
        came = sequence.receive(change(number))
        if came is not None:
            passed.append(came.seq)
        if sequence.seq is None:  # a gap: the reader loads a snapshot of everything so far
            known = sequence.head
            passed += [later.seq for later in sequence.continue_from(known)]

    assert passed == sorted(set(passed))
    assert sequence.seq is not None


@given(st.permutations(range(1, 9)), st.integers(0, 8))
def test_what_arrived_during_a_snapshot_follows_it(arriving, snapshot):
    sequence = Sequence()
    for number in arriving:
        assert sequence.receive(change(number)) is None

    after = sequence.continue_from(snapshot)

    assert [each.seq for each in after] == list(range(snapshot + 1, 9))
    assert sequence.seq == sequence.head == 8


def test_a_gap_makes_the_position_unknown():
    sequence = Sequence(4)

    assert sequence.receive(change(6)) is None

    assert sequence.seq is None
    assert [each.seq for each in sequence.continue_from(5)] == [6]


def test_a_gap_in_what_was_held_is_noticed():
    sequence = Sequence()
    sequence.receive(change(5))
    sequence.receive(change(7))

    assert [each.seq for each in sequence.continue_from(4)] == [5]

    assert sequence.seq is None
