"""One Chromium for the tests of a file that can do with a window of their own."""

from __future__ import annotations

import pytest_asyncio

from tests.e2e.browser import launched

# Files that use it have `pytestmark = pytest.mark.asyncio(loop_scope="module")`: a browser, and what
# else tests share, belongs to the event loop in which it was started.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def browser(chromium):
    """A browser for one test: its pages share nothing with those of other tests and end with it."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
