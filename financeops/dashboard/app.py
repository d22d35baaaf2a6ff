"""The dashboard: wires model, stream, screen and page together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

from financeops.client.rest import Client
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.errors import Busy, InvalidValue
from financeops.core.periods import Period
from financeops.dashboard.kernel import Visit, end_when_served, visit
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.language.words import LANGUAGES, locale_of
from financeops.dashboard.links import Address
from financeops.dashboard.page import Page
from financeops.dashboard.painter import Painter
from financeops.dashboard.panels.controls import controls_of
from financeops.dashboard.panels.export import export_csv
from financeops.dashboard.panels.opening import open_payment
from financeops.dashboard.panels.panel import together
from financeops.dashboard.preferences import Preferences, Theme
from financeops.dashboard.presence import Presence
from financeops.dashboard.screen import Screen
from financeops.dashboard.state.live import Live, utc_now
from financeops.dashboard.state.model import Connection, DashboardModel
from financeops.dashboard.tab import tab_of
from financeops.tasks import end

logger = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds for which a server may be busy before `Dashboard.ready` fails."""

_MEASURED_EVERY = timedelta(seconds=1)
"""Time between two events whose way to the screen is measured."""


class Dashboard:
    """Live payments of one tenant, in a notebook cell or as a page served by Voilà.

    It follows the server from its first display until nobody is viewing it. As a page it waits
    before: for a visitor, whose request says which view to show.

    Parameters
    ----------
    url : str, optional
        URL of the server. Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    tenant : str
    period : {"day", "week", "month", "year"}
    locale : {"ar", "de", "en"}, optional
        Language, optionally with a country: ``"de_AT"``. Default: the browser's.
    theme : {"system", "light", "dark"}
    now : callable
        The clock.

    Attributes
    ----------
    model : DashboardModel
        The data that are shown; its figures can be read at any time.
    preferences : Preferences
        Language and colours.
    screen : Screen
        The widgets.
    """

    def __init__(
        self,
        url: str | None = None,
        tenant: str = DEFAULT_TENANT,
        period: Period | str = Period.DAY,
        *,
        locale: str | None = None,
        theme: Theme | str = Theme.SYSTEM,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        if locale is not None and locale_of(locale) is None:
            raise InvalidValue("locale", f"must be in {', '.join(LANGUAGES)}, such as 'de_AT'")
        self.preferences = Preferences(theme=Theme(theme), language=locale)
        self._formats = Formats(self.preferences.locale)
        self.model = DashboardModel(tenant, period)
        self._client = Client(url)
        self._live = Live(self.model, self._client, now=now)
        self._painter = Painter(self.paint)
        self._presence = Presence(arrived=self._follow, left=self._leave)
        self._page = Page(
            on_beat=self._beat, on_shown=self._shown, on_opened=self._open, on_missed=self._tell
        )
        self.screen = Screen(
            self._formats,
            self.preferences,
            self._page,
            **controls_of(self.model, self._formats),
            export=self._export,
            payment=self._open_payment,
            language=partial(setattr, self.preferences, "language"),
            theme=self._choose_theme,
        )
        self._visit = visit()
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._presses: dict[str, list[str]] = {}
        for panel in self.screen.panels():
            panel.observe(self._note_press, "pressed")
        self._arrivals: dict[int, datetime] = {}
        self._was_seen = False
        self._lags: deque[float] = deque(maxlen=9)
        self._measured_at = datetime.min.replace(tzinfo=UTC)
        # The page gets its look before its address can change it.
        self.preferences.observe(self._dress)
        self.model.observe(self._label, ["connection", "paused", "loaded", "error"])
        self._address = Address(
            self.model,
            self.preferences,
            choose_tenant=self._choose_tenant,
            write=partial(setattr, self._page, "address"),
        )
        self._dress()
        if self._visit is None:
            self.paint()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        self.start()
        return self.screen.widget._repr_mimebundle_(**options)

    def start(self) -> None:
        """Start to follow the server; displaying the dashboard does this by itself."""
        if not self._tasks:
            if self._visit is None:
                self._begin()
            else:
                self._spawn(self._receive(self._visit))

    async def ready(self) -> None:
        """Return when the first figures are loaded; a busy server is asked for up to a minute.

        Raises
        ------
        FinanceOpsError
            When they cannot be loaded: the server is unavailable, or the tenant does not exist.
        """
        self.start()
        await self._answered()
        if isinstance(self.model.error, Busy):
            logger.warning("%s; trying again for %.0f s", self.model.error, PATIENCE)
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._answered(patient=True)
        if self.model.error is not None:
            raise self.model.error

    async def _answered(self, *, patient: bool = False) -> None:
        """Return when the first figures are loaded, or could not be; patiently, not while the server is busy."""
        model = self.model
        answered = asyncio.Event()

        def look(_change: object) -> None:
            waits = patient and isinstance(model.error, Busy)
            if model.loaded or (model.error is not None and not waits):
                answered.set()

        model.observe(look, ["loaded", "error"])
        try:
            look(None)
            await answered.wait()
        finally:
            model.unobserve(look, ["loaded", "error"])

    async def close(self) -> None:
        """Stop following, and close the connections."""
        self._presence.stop()
        self._unfollow()
        await end(self._tasks)
        await self._client.close()

    def paint(self) -> None:
        """Show the present state of the model; while the server is followed this is automatic."""
        arrived_at = self.model.take_arrival()
        if arrived_at is not None and self._lags:
            self.model.lag = median(self._lags)
        now = self._live.server_now()
        with together() as panels:
            self.screen.paint(self.model, now)
        answered, self._presses = self._presses, {}
        if not panels and not answered:
            return
        # Each report costs kernel and server as much as a small repaint, and a median needs no more.
        measured = arrived_at is not None and now - self._measured_at >= _MEASURED_EVERY
        number = self._page.repaint(panels, answered=answered, measured=measured)
        if arrived_at is not None and measured:
            self._measured_at = now
            self._arrivals[number] = arrived_at

    def _ask(self, change: Any) -> None:
        # The lag is painted with the next payment: a repaint for its sake would double them.
        if change.name != "lag":
            self._painter.ask()

    def _begin(self) -> None:
        self.model.observe(self._ask)
        self._spawn(self._painter.run())
        self._presence.beat()

    async def _receive(self, visit: Visit) -> None:
        """Wait for a visitor, and give what is shown first: figures, or why there are none."""
        view = await asyncio.wrap_future(visit.view)
        self.preferences.browser = view["languages"]
        self._dress()
        self._show(view["parameters"])
        self._begin()
        # Otherwise the notice that the recording is not complete would push everything down later.
        await asyncio.gather(self._answered(), self._live.ask_recording())
        self.paint()
        visit.give({"html": self.screen.still(self.model)})

    def _follow(self) -> None:
        self._following = self._spawn(self._follow_after(self._stopping))

    async def _follow_after(self, before: asyncio.Task[None] | None) -> None:
        await end(() if before is None else (before,))
        await self._live.run()

    def _unfollow(self) -> None:
        # Immediately: until the next task has started, what is shown is not live.
        self.model.connection = Connection.CONNECTING
        if self._following is not None:
            self._following.cancel()
            self._stopping, self._following = self._following, None

    def _leave(self) -> None:
        """Nobody is viewing it any more: stop until somebody returns, or for good."""
        self._unfollow()
        if self._was_seen:  # else its page is perhaps still being loaded
            end_when_served()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # Keep a reference: the event loop has only weak ones.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _open(self, parameters: dict[str, str], languages: list[str]) -> None:
        """Handle the parameters of the page's address and the languages of its browser."""
        self.preferences.browser = languages
        self._page.speak(self._formats.locale.language)
        if self._visit is None:  # else the view was brought before, and only so
            self._show(parameters)
        self.paint()

    def _show(self, parameters: dict[str, str]) -> None:
        """Show what an address asks for."""
        odd = self._address.open(parameters)
        if odd:
            names = ", ".join(odd)
            said = partial(self._formats.say, texts.NOT_OPENED, count=len(odd), names=names)
            self.model.notice = said

    def _tell(self) -> None:
        """Send everything again."""
        self._page.send_state(["look", "tab", "address"])
        with together(whole=True) as panels:
            self.screen.tell()
        self._page.repaint(panels, whole=True)

    def _dress(self, _change: object = None) -> None:
        """Apply the chosen language and theme."""
        self._formats.use(self.preferences.locale)
        self._page.look = {
            "theme": self.preferences.theme.value,
            "lang": str(self._formats.locale).replace("_", "-"),
            "dir": self._formats.direction,
        }
        self._label()
        self._page.speak(self._formats.locale.language)
        self.screen.forget()
        self._painter.ask()

    def _label(self, _change: object = None) -> None:
        """Tell the browser's tab how it goes, even while the page is hidden."""
        self._page.tab = tab_of(self.model, self._formats)

    def _note_press(self, change: Any) -> None:
        """Answer a press with the next repaint, which shows what it did."""
        self._presses.setdefault(change.owner.model_id, []).append(change.new)
        self._painter.ask()

    def _beat(self, visible: bool) -> None:  # noqa: FBT001 - as the page sends it
        self._was_seen = True
        self._presence.beat()
        self._painter.allow(visible)

    def _shown(self, number: int) -> None:
        """A repaint is on the screen: measure the time since its event."""
        arrived_at = self._arrivals.get(number)
        self._arrivals = {n: at for n, at in self._arrivals.items() if n > number}
        if arrived_at is not None:
            lag = (self._live.server_now() - arrived_at).total_seconds()
            self._lags.append(max(0.0, lag))
            if self.model.lag is None:
                self.model.lag = self._lags[0]
                self._painter.ask()

    def _choose_tenant(self, tenant: str) -> None:
        followed = self._following is not None
        self._unfollow()
        self.model.forget()
        self.model.tenant = tenant
        if followed:
            self._follow()

    def _choose_theme(self, theme: str | None) -> None:
        if theme is not None:
            self.preferences.theme = Theme(theme)

    def _open_payment(self, value: str | None) -> None:
        if value is not None:
            self._spawn(open_payment(self.model, self._client, self._formats, value))

    def _export(self, _value: str | None) -> None:
        self._spawn(export_csv(self.model, self._client, self._page, self._formats))
