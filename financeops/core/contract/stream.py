"""The events of the stream, over Socket.IO at `financeops.core.contract.paths.STREAM`.

`Event` lists their names; the event of a payment holds a
`financeops.core.contract.payments.ChangeAnswer`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from financeops.core.contract.forms import Document, Number, Time


class Event(StrEnum):
    """Names of the events."""

    CONNECTED = "connected"
    PAYMENT = "payment_event"
    HEARTBEAT = "heartbeat"
    RELOAD = "reload"


class ConnectedEvent(Document, frozen=True, kw_only=True):
    """The client is accepted: the changes after `seq` follow, and a heartbeat every `heartbeat_seconds`."""

    message: Literal["Connected"]
    tenant_id: str
    seq: int
    server_time: Time
    heartbeat_seconds: Number | None = None


class HeartbeatEvent(Document, frozen=True, kw_only=True):
    """The server is alive; `seq` is the last change that was sent."""

    seq: int
    server_time: Time


class ReloadEvent(Document, frozen=True, kw_only=True):
    """The log no longer holds what the client missed: load a snapshot; events after `seq` follow."""

    seq: int
