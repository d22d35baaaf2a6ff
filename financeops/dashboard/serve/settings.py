"""Settings of the dashboard's server; run as a program, this only checks them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from financeops.client.address import server_url
from financeops.core.errors import Misconfigured

LIMIT_SETTING = "FINANCEOPS_MAX_VIEWERS"
LIMIT = 25
"""Default limit of viewers at the same time: as many as fit in 1 GiB."""


def limit_of(environment: Mapping[str, str]) -> int:
    """Return the limit of viewers at the same time.

    Raises
    ------
    Misconfigured
        When it is not a whole number above zero.
    """
    text = environment.get(LIMIT_SETTING) or str(LIMIT)
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit < 1:
        raise Misconfigured(f"{LIMIT_SETTING} is {text!r}: it is a whole number of at least 1")
    return limit


def check() -> None:
    """Raise `Misconfigured` if a setting is wrong."""
    limit_of(os.environ)
    server_url()


if __name__ == "__main__":
    try:
        check()
    except Misconfigured as error:
        sys.exit(f"financeops: {error}")
