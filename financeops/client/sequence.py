"""A reader's position in a tenant's gap-free sequence of changes. No I/O."""

from __future__ import annotations

from financeops.core.payments import Change

_HELD = 50_000


class Sequence:
    """Lets each change pass once and in order, and notices when one is missing.

    Without a position (`seq` None) it holds what arrives. `continue_from` gives the number up to
    which everything is known, for example from a snapshot, and lets the rest pass.

    Parameters
    ----------
    seq : int, optional
        The last change that is already known.

    Attributes
    ----------
    seq : int or None
        The last change that passed; None while the position is unknown.
    head : int
        The highest known number, passed or not.
    """

    def __init__(self, seq: int | None = None) -> None:
        self.seq = seq
        self.head = seq or 0
        self._held: dict[int, Change] = {}

    def receive(self, change: Change) -> Change | None:
        """Return the change if it is the next one; None if it is known or held.

        A change that leaves a gap makes the position unknown.
        """
        self.head = max(self.head, change.seq)
        if self.seq is None:
            self._hold(change)
            return None
        if change.seq <= self.seq:
            return None
        if change.seq > self.seq + 1:
            self.forget()
            self._hold(change)
            return None
        self.seq = change.seq
        return change

    def forget(self) -> None:
        """Give up the position: what arrives from now on is held."""
        self.seq = None
        self._held.clear()

    def restart(self, head: int) -> None:
        """Give up position and head: the sequence itself began again, its last number is `head`."""
        self.forget()
        self.head = head

    def continue_from(self, seq: int) -> list[Change]:
        """Note that everything up to `seq` is known; return what was held after it.

        If there is a gap in what was held, the position is unknown again.
        """
        self.seq = seq
        self.head = max(self.head, seq)
        held, self._held = self._held, {}
        passed = []
        for number in sorted(held):
            change = self.receive(held[number])
            if change is not None:
                passed.append(change)
        return passed

    def _hold(self, change: Change) -> None:
        # Too much to hold: the gap that this leaves asks for a new snapshot.
        if len(self._held) >= _HELD:
            self._held.clear()
        self._held[change.seq] = change
