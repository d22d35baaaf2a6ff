"""Tasks end, even if they resist."""

import asyncio
from contextlib import suppress

from financeops.tasks import end


async def test_a_task_that_loses_a_cancellation_is_ended_nevertheless():
    async def stubborn():
        with suppress(asyncio.CancelledError):  # as `asyncio.wait_for` of Python 3.11 may
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await end([task])
    assert task.cancelled()


async def test_an_ended_task_keeps_its_result_or_error():
    async def fails():
        raise ZeroDivisionError

    async def answers():
        return 7

    tasks = [asyncio.create_task(work()) for work in (fails, answers)]
    await asyncio.wait(tasks)
    await end(tasks)
    assert isinstance(tasks[0].exception(), ZeroDivisionError)
    assert tasks[1].result() == 7
