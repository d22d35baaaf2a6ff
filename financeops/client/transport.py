"""HTTP to one server: JSON in and out, problems raised as errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from financeops.client.problems import error_of
from financeops.core import wire
from financeops.core.contract import agreements
from financeops.core.errors import Busy, Unavailable

Answer = TypeVar("Answer")


class Transport:
    """Requests to the server at `url`.

    Parameters
    ----------
    url : str
    timeout : float
        Seconds that an answer may take; a patient request waits as long as it needs.
    headers : mapping, optional
        Sent with every request.
    """

    def __init__(
        self, url: str, *, timeout: float, headers: Mapping[str, str] | None = None
    ) -> None:
        self.url = url
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> Any:
        """The answer's JSON, numbers with a fraction as Decimal."""
        async with self.request(
            method, path, query, body=body, headers=headers, patient=patient
        ) as answer:
            return wire.decode(await answer.read())

    async def answer(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: bytes | None = None,
        patient: bool = False,
    ) -> Answer:
        """The answer as a type of the contract."""
        async with self.request(method, path, query, body=body, patient=patient) as answer:
            return wire.read(kind, await answer.read())

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield an answer that is not a problem; a problem is raised as an error of FinanceOps."""
        if self._session is None:
            # Created at the first request: a session belongs to the running event loop.
            self._session = aiohttp.ClientSession()
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = agreements.JSON
        try:
            async with self._session.request(
                method,
                self.url + path,
                params=query,
                data=body,
                headers=sent,
                timeout=aiohttp.ClientTimeout(
                    total=None if patient else self._timeout, sock_connect=self._timeout
                ),
            ) as answer:
                if answer.status >= 400:
                    raise error_of(answer.status, await answer.read(), url=self.url)
                yield answer
        except aiohttp.ClientConnectionError as error:
            raise Unavailable(
                f"no connection to {self.url}: `financeops up` starts a server on this computer; "
                "FINANCEOPS_URL, or --url of a command, names another address"
            ) from error
        except TimeoutError as error:
            raise Unavailable(
                f"{self.url} takes connections, but did not answer within {self._timeout:g} s: "
                "it, or its database, is busy or has stalled"
            ) from error
        except aiohttp.ClientPayloadError as error:
            raise Busy(f"the answer of {self.url} broke off") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"no answer of FinanceOps from {self.url}: {error}") from error
