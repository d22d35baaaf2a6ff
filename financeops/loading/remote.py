"""A tenant of a server, for callers who cannot await: its payments and its changes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pyarrow as pa

from financeops.client import Client, MonthsAnswer
from financeops.client.query import keywords_of
from financeops.core.errors import FinanceOpsError, Unavailable
from financeops.core.payments import Change
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME
from financeops.loading.arriving import received
from financeops.loading.background import Background
from financeops.loading.live import changes_between
from financeops.loading.patience import patiently
from financeops.loading.progress import progress_bar

Answer = TypeVar("Answer")


class Remote:
    """One tenant of a server.

    Parameters
    ----------
    url : str or None
        Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    tenant_id : str
    token : str or None
        Sent with every request.
    progress : bool
        Whether exports that take longer than a second show a progress bar.
    """

    def __init__(
        self, url: str | None, tenant_id: str, token: str | None, *, progress: bool
    ) -> None:
        self.client = Client(url, token=token)
        self.tenant_id = tenant_id
        self._progress = progress
        self._background = Background()

    @property
    def url(self) -> str:
        """Address of the server."""
        return self.client.url

    def ask(
        self, request: Callable[..., Coroutine[Any, Any, Answer]], *given: Any, **options: Any
    ) -> Answer:
        """Wait for a request, such as ``client.metrics``, and return its answer; while the server is busy, repeat it."""
        return patiently(lambda: self._background.run(request(*given, **options)))

    def close(self) -> None:
        """Close the connections. Requests fail from then on."""
        self._background.run(self.client.close())
        self._background.close()

    def months(self) -> MonthsAnswer:
        """The tenant's months at this moment."""
        return self.ask(self.client.months, self.tenant_id)

    def changes(self, after: int, up_to: int) -> list[Change] | None:
        """Changes after one `seq` up to another; None when the server no longer has all of them."""

        async def read() -> list[Change]:
            changes = changes_between(self.client, self.tenant_id, after, up_to)
            return [change async for change in changes]

        try:
            changes = self.ask(read)
        except Unavailable:
            raise
        except FinanceOpsError:
            return None
        return changes if len(changes) == up_to - after else None

    def export(self, selection: Selection, total: int | None) -> pa.Table:
        """All columns of the selected payments.

        Parameters
        ----------
        selection : Selection
        total : int or None
            About how many payments they are, for the progress bar; None when that is unknown.
        """

        def load() -> pa.Table:
            query = keywords_of(selection)
            chunks = self.client.export_chunks(self.tenant_id, format="arrow", **query)
            with progress_bar(total, shown=self._progress) as arrived:
                return received(self._background.items(chunks), arrived=arrived)

        return patiently(load)

    def expected(self, selection: Selection) -> int | None:
        """How many payments an export will give; None where no single request tells."""
        every = selection.window == ALL_TIME and selection.status is None
        if not self._progress or not every:
            return None
        question = Question(currency=selection.currency, method=selection.method)
        found = self.ask(self.client.metrics, self.tenant_id, **keywords_of(question))
        alone = selection.currency is not None or len(found.currencies) == 1
        return found.total_payments if alone else None
