"""The errors that FinanceOps raises, each with a message that says how to put it right."""

from __future__ import annotations

from collections.abc import Sequence


class FinanceOpsError(Exception):
    """Base of every error that FinanceOps raises on purpose."""


class InvalidValue(FinanceOpsError):
    """A value that cannot be accepted.

    Parameters
    ----------
    field : str
        The field, parameter or setting as its sender wrote it (``amount``, ``createdAt``).
    problem : str
        What is wrong and what would be right, one sentence without the field's name.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotFound(FinanceOpsError):
    """A tenant or payment that does not exist."""


class Conflict(FinanceOpsError):
    """A request that contradicts what is already recorded.

    Parameters
    ----------
    problem : str
        What contradicts what.
    field : str, optional
        The field that differs.
    """

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(problem if field is None else f"{field}: {problem}")
        self.field = field


class Unavailable(FinanceOpsError):
    """The database or the server cannot be reached now; try again later if it is `repeatable`."""

    repeatable = True

    def _render_traceback_(self) -> list[str]:
        """Show the message alone in a notebook: no line of any code is the cause."""
        return [f"{type(self).__name__}: {self}"]


class Busy(Unavailable):
    """The server answers, but cannot do this now, or not to the end; the message says why."""


class Unsure(Unavailable):
    """It is not known whether something was recorded: the database did not confirm the commit.

    Parameters
    ----------
    payment_ids : sequence of str
        The payments in question, in the order in which they were sent. They keep these ids.
    repeatable : bool
        Whether each of them counts once, however often it is sent.
    """

    def __init__(self, payment_ids: Sequence[str], *, repeatable: bool) -> None:
        one = f"GET /payments/{payment_ids[0]}" if len(payment_ids) == 1 else "GET /payments/{id}"
        again = "counts nothing twice" if repeatable else "may count twice"
        super().__init__(
            f"this may have been recorded, but the database did not confirm the commit: {one} "
            f"tells once it answers again; sending it again {again}"
        )
        self.payment_ids = payment_ids
        self.repeatable = repeatable


class Misconfigured(FinanceOpsError):
    """A setting that must be changed before the program can run; the message names it."""
