"""What the stream tells, over Socket.IO at `financeops.core.contract.paths.STREAM`.

An event's name is in `Event`; that of a payment holds a
`financeops.core.contract.payments.ChangeAnswer`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from financeops.core.contract.forms import Document, Time


class Event(StrEnum):
    """Names of the events."""

    CONNECTED = "connected"
    PAYMENT = "payment_event"
    HEARTBEAT = "heartbeat"
    RELOAD = "reload"


class ConnectedEvent(Document, frozen=True, kw_only=True):
    """The client is let in: the changes after `seq` follow."""

    message: Literal["Connected"]
    tenant_id: str
    seq: int
    server_time: Time


class HeartbeatEvent(Document, frozen=True, kw_only=True):
    """The server is alive; `seq` is the last change that was sent."""

    seq: int
    server_time: Time


class ReloadEvent(Document, frozen=True, kw_only=True):
    """The log no longer holds what the client missed: load a snapshot; changes after `seq` follow."""

    seq: int
