"""A tenant of a server, for callers who cannot await: its payments and its changes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import pyarrow as pa

from financeops.arrow.tables import SCHEMA
from financeops.client import Client, MonthsAnswer
from financeops.core.errors import FinanceOpsError, Unavailable
from financeops.core.payments import Change
from financeops.core.periods import EPOCH, FAR
from financeops.loading.arriving import received
from financeops.loading.background import Background
from financeops.loading.live import changes_between
from financeops.loading.progress import progress_bar
from financeops.loading.wanted import Wanted

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

    def run(self, request: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for a request of the client and return its answer."""
        return self._background.run(request)

    def close(self) -> None:
        """Close the connections. Requests fail from then on."""
        self._background.run(self.client.close())
        self._background.close()

    def months(self) -> MonthsAnswer:
        """The tenant's months at this moment."""
        return self.run(self.client.months(self.tenant_id))

    def changes(self, after: int, up_to: int) -> list[Change] | None:
        """Changes after one `seq` up to another; None when the server no longer has all of them."""

        async def read() -> list[Change]:
            changes = changes_between(self.client, self.tenant_id, after, up_to)
            return [change async for change in changes]

        try:
            changes = self.run(read())
        except Unavailable:
            raise
        except FinanceOpsError:
            return None
        return changes if len(changes) == up_to - after else None

    def export(self, wanted: Wanted, total: int | None) -> pa.Table:
        """All columns of the wanted payments.

        Parameters
        ----------
        wanted : Wanted
        total : int or None
            About how many payments they are, for the progress bar; None when that is unknown.
        """
        start, end = wanted.window.start, wanted.window.end
        if start >= end:
            return SCHEMA.empty_table()
        chunks = self.client.export_chunks(
            self.tenant_id,
            format="arrow",
            start=start if start > EPOCH else None,
            end=end if end < FAR else None,
            status=wanted.status,
            method=wanted.method,
            currency=wanted.currency,
        )
        with progress_bar(total, shown=self._progress) as arrived:
            return received(self._background.items(chunks), arrived=arrived)

    def expected(self, wanted: Wanted) -> int | None:
        """How many payments an export will give; None where no single request tells."""
        every = wanted.window.start == EPOCH and wanted.window.end == FAR
        if not self._progress or not every or wanted.status is not None:
            return None
        metrics = self.client.metrics(
            self.tenant_id, currency=wanted.currency, method=wanted.method
        )
        found = self.run(metrics)
        alone = wanted.currency is not None or len(found.currencies) == 1
        return found.total_payments if alone else None
