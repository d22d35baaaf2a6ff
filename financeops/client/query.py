"""What is asked for, as the query of a request: from keywords, to keywords, and written out.

Words are sent as they are: which ones there are, the server says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, cast

from msgspec.structs import asdict

from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.core.windows import ends_of, window_between

Asked: TypeAlias = Selection | Question
"""Which payments, or which figures of them."""


def selection_of(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    status: Status | str | None = None,
    method: str | None = None,
    currency: str | None = None,
) -> Selection:
    """Selection that a method's keywords say."""
    return Selection(
        status=cast("Status | None", status),
        method=method,
        currency=currency,
        window=window_between(start, end),
    )


def question_of(
    *,
    period: Period | str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    currency: str | None = None,
    method: str | None = None,
    timezone: str | None = None,
) -> Question:
    """Question that a method's keywords say; raises `InvalidValue` for a period and a window."""
    return Question(
        currency=currency,
        method=method,
        timezone=timezone,
        period=cast("Period | None", period),
        window=window_between(start, end),
    )


def keywords_of(asked: Asked) -> dict[str, Any]:
    """Keywords of the client's methods that say the same."""
    said = asdict(asked)
    said["start"], said["end"] = ends_of(said.pop("window"))
    return said


def query_of(asked: Asked) -> dict[str, Any]:
    """Query parameters in the REST contract's words; None for what was left out."""
    words = {"start": "from", "end": "to"}
    return {words.get(name, name): value for name, value in keywords_of(asked).items()}
