"""When the screen is repainted."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress

from financeops.dashboard.painter import Painter


class Canvas:
    """Counts repaints, and lets a test wait for the next one."""

    def __init__(self):
        self.times = []
        self._painted = asyncio.Event()

    def paint(self):
        self.times.append(time.monotonic())
        self._painted.set()

    async def painted(self):
        async with asyncio.timeout(5):
            await self._painted.wait()
        self._painted.clear()


@asynccontextmanager
async def painting(interval):
    canvas = Canvas()
    painter = Painter(canvas.paint, interval=interval)
    task = asyncio.create_task(painter.run())
    yield painter, canvas
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_first_request_is_painted_at_once():
    async with painting(interval=60) as (painter, canvas):
        asked = time.monotonic()
        painter.ask()
        await canvas.painted()

    assert canvas.times[0] - asked < 1


async def test_many_requests_are_one_repaint_per_interval():
    async with painting(interval=0.1) as (painter, canvas):
        for _ in range(3):
            for _ in range(1000):
                painter.ask()
            await canvas.painted()

    assert len(canvas.times) == 3
    assert canvas.times[2] - canvas.times[0] > 0.19


async def test_a_hidden_page_is_painted_when_it_is_visible_again():
    async with painting(interval=0) as (painter, canvas):
        painter.allow(False)
        painter.ask()
        for _ in range(10):
            await asyncio.sleep(0)
        assert canvas.times == []

        painter.allow(True)
        await canvas.painted()

    assert len(canvas.times) == 1
