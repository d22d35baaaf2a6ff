"""JSON answers, written by the encoder that keeps amounts exact."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from financeops.core.wire import encode


class Json(JSONResponse):
    """An `application/json` answer, of a type of the contract."""

    def render(self, content: Any) -> bytes:
        """Return the content as JSON bytes."""
        return encode(content)
