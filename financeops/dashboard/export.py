"""The period's payments as a CSV file, saved by the browser."""

from __future__ import annotations

from financeops.client.rest import Client
from financeops.core.errors import FinanceOpsError
from financeops.dashboard import texts
from financeops.dashboard.model import DashboardModel
from financeops.dashboard.page import Page


async def export_csv(model: DashboardModel, client: Client, page: Page) -> None:
    """Save every payment of the period that is shown; the model's `exported` counts the bytes.

    It goes through the kernel in pieces, for the viewer's browser may not reach the server.
    """
    window = model.window
    if window is None or model.exported is not None:
        return
    name = f"payments-{model.tenant}-{model.period.value}.csv"
    model.exported = 0
    try:
        async for chunk in client.export_chunks(model.tenant, start=window.start, end=window.end):
            page.save(name, "text/csv", chunk)
            model.exported += len(chunk)
        page.save(name, "text/csv", None)
    except FinanceOpsError as error:
        model.notice = texts.EXPORT_FAILED.format(reason=error)
    finally:
        model.exported = None
