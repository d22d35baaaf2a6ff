"""What the browser's tab says: whether the figures are live, paused or in trouble."""

from __future__ import annotations

from financeops.core.errors import Busy, NotFound, Unavailable
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.language.words import Text
from financeops.dashboard.state.model import Connection, DashboardModel

_CONNECTIONS = {
    Connection.CONNECTING: ("none", None),
    Connection.LIVE: ("live", texts.LIVE),
    Connection.RECONNECTING: ("trouble", texts.RECONNECTING),
    Connection.STALE: ("trouble", texts.STALE),
}


def tab_of(model: DashboardModel, formats: Formats) -> dict[str, str]:
    """Return its ``state`` (none, live, paused or trouble) and ``title``, as the badge says.

    It has no counter: a title that changes with each payment would distract in a tab that is not looked at.
    For while the dashboard cannot be reached, ``away`` is the title, ``offline`` the badge and
    ``hint`` what it means.
    """
    state, word = _state(model)
    title = formats.say(texts.TITLE)
    return {
        "state": state,
        "title": title if word is None else f"{formats.say(word)} · {title}",
        "away": f"{formats.say(texts.OFFLINE)} · {title}",
        "offline": formats.say(texts.OFFLINE),
        "hint": formats.say(texts.OFFLINE_HINT),
    }


def _state(model: DashboardModel) -> tuple[str, Text | None]:
    if model.paused:
        return "paused", texts.PAUSED
    if model.error is not None and not model.loaded:
        match model.error:
            case NotFound():
                return "trouble", texts.NOT_FOUND
            case Busy():
                return "trouble", texts.BUSY
            case Unavailable():
                return "trouble", texts.NOT_REACHED
            case _:
                return "trouble", texts.FAILED
    return _CONNECTIONS[model.connection]
