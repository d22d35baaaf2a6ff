"""Async work for synchronous callers."""

import asyncio
import os
import signal
import sys
from threading import Event, Thread, get_ident

import pytest

from financeops.loading.background import Background


@pytest.fixture
def background():
    background = Background()
    yield background
    background.close()


def test_what_is_returned_or_raised_comes_back(background):
    async def divide(number):
        return 12 // number

    assert background.run(divide(4)) == 3
    with pytest.raises(ZeroDivisionError):
        background.run(divide(0))


def test_items_come_one_by_one(background):
    produced = []

    async def numbers():
        for number in range(3):
            produced.append(number)
            yield number

    items = background.items(numbers())
    assert next(items) == 0
    assert produced == [0]
    assert list(items) == [1, 2]


@pytest.fixture
def interruptible():
    """Python's default handler of SIGINT: a shell that starts the tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_cancels_the_work(background, interruptible):
    begun, ended = Event(), Event()
    caller = get_ident()

    async def work():
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            ended.set()

    def interrupt():
        begun.wait()
        # The work may begin before its caller waits for it.
        while sys._current_frames()[caller].f_code.co_name != "wait":
            pass
        os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C, or a notebook's stop button

    thread = Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        background.run(work())
    thread.join()
    assert ended.wait(10)


def test_closing_ends_what_still_runs():
    background, ended = Background(), Event()

    async def begin():
        async def work():
            try:
                await asyncio.sleep(3600)
            finally:
                ended.set()

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        return task

    background.run(begin())
    background.close()
    assert ended.is_set()
    background.close()
