"""The period's payments as a CSV file, saved by the browser."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from financeops.client.query import keywords_of
from financeops.client.rest import Client
from financeops.core.errors import FinanceOpsError
from financeops.core.facets import NO_VALUE
from financeops.core.reporting import REPORTING
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.page import Page
from financeops.dashboard.state.model import DashboardModel


async def export_csv(model: DashboardModel, client: Client, page: Page, formats: Formats) -> None:
    """Save the payments of the view: of its period or days, currency and filters.

    The file's name says which, its currency only where there are several. The model's `exported` counts the bytes.
    The file goes through the kernel in pieces, because the browser may not reach the server.
    """
    window = model.window
    if window is None or model.exported is not None:
        return
    currency = model.chosen_currency or model.currency
    named = currency if model.chosen_currency or len(model.currencies) > 1 else None
    chosen = [named, model.method, model.status and model.status.value]
    facets = [f"no-{name}" if value == NO_VALUE else value for name, value in model.facets]
    period = str(model.days or model.period)
    parts = ["payments", model.tenant, period, *filter(None, chosen), *facets]
    name = f"{'-'.join(parts)}.csv"
    model.exported = 0
    asked = None if currency == REPORTING else currency
    selection = replace(model.selection, currency=asked, window=window)
    try:
        async for chunk in client.export_chunks(model.tenant, **keywords_of(selection)):
            page.save(name, "text/csv", chunk)
            model.exported += len(chunk)
        page.save(name, "text/csv", None)
    except FinanceOpsError as error:
        model.notice = partial(formats.say, texts.EXPORT_FAILED, reason=str(error))
    finally:
        model.exported = None
