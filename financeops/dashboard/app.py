"""The dashboard: its parts, put together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from statistics import median
from typing import Any

from financeops.client.rest import Client
from financeops.core.periods import Period
from financeops.dashboard import texts
from financeops.dashboard.export import export_csv
from financeops.dashboard.formats import Formats
from financeops.dashboard.kernel import end_when_served
from financeops.dashboard.live import Live, utc_now
from financeops.dashboard.model import DashboardModel
from financeops.dashboard.page import Page
from financeops.dashboard.painter import Painter
from financeops.dashboard.presence import Presence
from financeops.dashboard.screen import Screen


class Dashboard:
    """Live payments of one tenant, in a notebook cell or as a page by Voilà.

    It follows the server from when it is first displayed until nobody looks at it any more.

    Parameters
    ----------
    url : str, optional
        Of the server. Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    tenant : str
    period : {"day", "week", "month", "year"}
    locale : str
        How numbers and times are written, such as ``"en"`` or ``"de_DE"``.
    now : callable
        The clock.

    Attributes
    ----------
    model : DashboardModel
        What is shown; its figures can be read at any time.
    screen : Screen
        The parts that show it.
    """

    def __init__(
        self,
        url: str | None = None,
        tenant: str = "tenant_1",
        period: Period | str = Period.DAY,
        *,
        locale: str = "en",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._formats = Formats(locale)
        self.model = DashboardModel(tenant, period)
        self._client = Client(url)
        self._live = Live(self.model, self._client, now=now)
        self._painter = Painter(self.paint)
        self._presence = Presence(arrived=self._follow, left=self._leave)
        self._page = Page(on_beat=self._beat, on_shown=self._shown)
        self.screen = Screen(
            self._formats,
            self._page,
            period=self._choose_period,
            pause=self._pause_or_resume,
            export=self._export,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._arrivals: dict[int, datetime] = {}
        self._was_seen = False
        self._lags: deque[float] = deque(maxlen=9)
        self.paint()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        self.start()
        return self.screen.widget._repr_mimebundle_(**options)

    def start(self) -> None:
        """Begin to follow the server; displaying it does this by itself."""
        if not self._tasks:
            self.model.observe(self._painter.ask)
            self._spawn(self._painter.run())
            self._presence.beat()

    async def ready(self) -> None:
        """Return when the first figures are there.

        Raises
        ------
        FinanceOpsError
            When they cannot be loaded: the server is away, or the tenant does not exist.
        """
        self.start()
        model = self.model
        answered = asyncio.Event()

        def look(_change: object) -> None:
            if model.loaded or model.error is not None:
                answered.set()

        model.observe(look, ["loaded", "error"])
        try:
            look(None)
            await answered.wait()
        finally:
            model.unobserve(look, ["loaded", "error"])
        if model.error is not None:
            raise model.error

    async def close(self) -> None:
        """Stop following, and close the connections."""
        self._presence.stop()
        self._unfollow()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def paint(self) -> None:
        """Show the model as it is now; while it is followed this happens by itself."""
        self.screen.paint(self.model, self._live.server_now())
        arrived_at = self.model.take_arrival()
        if arrived_at is not None:
            number = self._page.painted + 1
            self._arrivals[number] = arrived_at
            self._page.painted = number

    def _follow(self) -> None:
        self._following = self._spawn(self._live.run())

    def _unfollow(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None

    def _leave(self) -> None:
        """Nobody looks any more: it stops until somebody comes back, or for good."""
        self._unfollow()
        if self._was_seen:  # a kernel that Voilà keeps warm waits for its first page
            end_when_served()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # Kept, for the event loop itself holds tasks only weakly.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _beat(self, visible: bool) -> None:  # noqa: FBT001 - what the page says
        self._was_seen = True
        self._presence.beat()
        self._painter.allow(visible)

    def _shown(self, number: int) -> None:
        """A repaint is on the screen: measure from the event to now."""
        arrived_at = self._arrivals.get(number)
        self._arrivals = {n: at for n, at in self._arrivals.items() if n > number}
        if arrived_at is not None:
            lag = (self._live.server_now() - arrived_at).total_seconds()
            self._lags.append(max(0.0, lag))
            self.model.lag = median(self._lags)

    def _choose_period(self, period: str | None) -> None:
        if period is not None:
            self.model.period = Period(period)

    def _pause_or_resume(self, _value: str | None) -> None:
        model = self.model
        if not model.paused:
            model.notice = ""
            model.paused = True
            return
        came = model.resume()
        model.notice = texts.CAUGHT_UP.format(count=self._formats.count(came)) if came else ""

    def _export(self, _value: str | None) -> None:
        self._spawn(export_csv(self.model, self._client, self._page))
