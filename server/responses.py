"""Answers in JSON, written by the one encoder that keeps amounts exact."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from financeops.core.wire import encode


class Json(Response):
    """An `application/json` answer of built-in values and Decimals."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """JSON bytes of the content."""
        return encode(content)
