"""Brings kernels the view that their page was asked for, and gets the first figures back."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.session import Session

logger = logging.getLogger(__name__)

_AT_MOST = 60.0
"""Seconds until a kernel has taken what it was brought: it may still be starting."""


class Visits:
    """The conversations with kernels that have been given a page and have not answered yet.

    Parameters
    ----------
    patience : float
        Seconds for which a page waits for its first figures.
    """

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._talks: set[asyncio.Task[str | None]] = set()

    async def bring(self, kernel: Any, view: dict[str, Any], *, waiting: bool) -> str | None:
        """Bring a kernel its view.

        Parameters
        ----------
        kernel : AsyncKernelManager
        view : dict
            As `financeops.dashboard.kernel.Visit` has it.
        waiting : bool
            Whether the page waits for the answer.

        Returns
        -------
        str or None
            HTML of the first figures; None if they take longer. The kernel has its view all the same.
        """
        talk = asyncio.create_task(_talk(kernel, view))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        done, _ = await asyncio.wait({talk}, timeout=self._patience if waiting else 0)
        return talk.result() if done else None

    def close(self) -> None:
        """Do not wait any longer."""
        for talk in self._talks:
            talk.cancel()


async def _talk(kernel: Any, view: dict[str, Any]) -> str | None:
    # A session of its own: by its name the kernel tells apart whom it answers.
    client: AsyncKernelClient = kernel.client(session=Session(key=kernel.session.key))
    client.control_channel.start()
    try:
        client.control_channel.send(client.session.msg("view_request", view))
        async with asyncio.timeout(_AT_MOST):
            answer = await client.get_control_msg()
            html: str = answer["content"]["html"]
            return html
    except TimeoutError:
        logger.warning("a kernel has not answered with its first figures")
        return None
    finally:
        client.control_channel.stop()  # all of the client's would be opened to be closed
