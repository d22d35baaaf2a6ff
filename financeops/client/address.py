"""The address of the server, and the header that authorizes a client."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from financeops.core.contract.agreements import DEFAULT_URL
from financeops.core.errors import Misconfigured

SETTING = "FINANCEOPS_URL"


def server_url(url: str | None = None, *, name: str = "url") -> str:
    """Base URL of the server, without a slash at its end.

    Parameters
    ----------
    url : str, optional
        Default: the environment variable ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    name : str
        What gave the `url`, for the error.

    Raises
    ------
    Misconfigured
        When it is not an http or https URL.
    """
    if not url:
        url, name = os.environ.get(SETTING) or DEFAULT_URL, SETTING
    address = url.rstrip("/")
    problem = _problem(address)
    if problem is not None:
        raise Misconfigured(
            f"{name} is {address!r}, which {problem}: it must be a URL such as {DEFAULT_URL}"
        )
    return address


def _problem(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it is read, and refused, only now
    except ValueError as error:
        return f"is no URL ({error})"
    if parts.scheme not in {"http", "https"}:
        return "does not begin with http:// or https://"
    return None if parts.hostname else "names no host"


def authorization(token: str | None) -> dict[str, str]:
    """HTTP header that carries a token; empty without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}
