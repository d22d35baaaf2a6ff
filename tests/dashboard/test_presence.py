"""Whether anybody is viewing the dashboard."""

import asyncio

from financeops.dashboard.presence import Presence


async def test_it_reports_arrivals_and_when_everybody_has_left():
    said = []
    left = asyncio.Event()
    presence = Presence(
        arrived=lambda: said.append("arrived"),
        left=lambda: (said.append("left"), left.set()),
        patience=0.1,
    )

    presence.beat()
    presence.beat()
    assert said == ["arrived"]
    async with asyncio.timeout(5):
        await left.wait()

    presence.beat()
    presence.stop()
    assert said == ["arrived", "left", "arrived"]
