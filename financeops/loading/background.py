"""An event loop in its own thread: runs async code for synchronous callers.

A notebook's kernel already runs a loop, and a thread cannot run a second one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from threading import Thread
from typing import Any, TypeVar

from financeops.core.errors import FinanceOpsError
from financeops.tasks import end

Result = TypeVar("Result")
Item = TypeVar("Item")


class Background:
    """Runs coroutines until it is closed; the caller waits for each."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon, so that Python can exit although a connection was not closed.
        self._thread = Thread(target=self._loop.run_forever, name="financeops-loading", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return or raise what a coroutine does. Ctrl-C cancels it."""
        if self._loop.is_closed():
            work.close()
            raise FinanceOpsError("the connection is closed: open another with fo.connect()")
        waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return waiting.result()
        except BaseException:
            waiting.cancel()
            raise

    def items(self, source: AsyncIterator[Item]) -> Iterator[Item]:
        """Yield the items of an async iterator as they come."""

        async def following() -> Item | None:
            return await anext(source, None)

        while (item := self.run(following())) is not None:
            yield item

    def close(self) -> None:
        """End the thread and cancel what still runs."""
        if self._loop.is_closed():
            return
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    await end(asyncio.all_tasks() - {asyncio.current_task()})
    await asyncio.get_running_loop().shutdown_asyncgens()
