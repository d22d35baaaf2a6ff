"""The address of the server, and the header that authorizes a client."""

from __future__ import annotations

import os

from financeops.core.contract.agreements import DEFAULT_URL
from financeops.core.errors import Misconfigured


def server_url(url: str | None = None) -> str:
    """Base URL of the server, without a slash at its end.

    Parameters
    ----------
    url : str, optional
        Default: the environment variable ``FINANCEOPS_URL``, else ``http://localhost:3001``.

    Raises
    ------
    Misconfigured
        When it is not an http or https URL.
    """
    address = (url or os.environ.get("FINANCEOPS_URL") or DEFAULT_URL).rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise Misconfigured(f"FINANCEOPS_URL must be a URL such as {DEFAULT_URL}, not {address!r}")
    return address


def authorization(token: str | None) -> dict[str, str]:
    """HTTP header that carries a token; empty without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}
