"""Which process this is, and which of those that are noted are no more."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path
from secrets import token_hex

import psutil

from financeops.store.database.connection import Document

_PROC = Path("/proc")
_STARTED = 19
"""Which field after the name in `/proc/PID/stat` says when a process began: ticks since the boot."""


def place() -> str:
    """Where the numbers of processes mean what they mean here, in one word.

    On Linux that is this run of this kernel, and of its namespaces of process numbers the one that this process is in:
    containers may share the host's name, and have a process 1 each. Elsewhere there is one for each computer.
    """
    if sys.platform != "linux":
        return f"{socket.gethostname()}/{uuid.getnode():x}"
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return token_hex(8)  # nobody can tell, so nobody is to say that it knows this place


def this_process() -> Document:
    """What a note says of this process."""
    pid = os.getpid()
    return {"place": place(), "pid": pid, "started": _started(pid)}


def is_dead(note: Document) -> bool:
    """Whether a process of this place is no more, for sure."""
    if not psutil.pid_exists(note["pid"]):
        return True
    # Its number may belong to another process by now: that one began later.
    started = _started(note["pid"])
    return started is not None and abs(started - note["started"]) >= 1


def _started(pid: int) -> float | None:
    """When a process began; None where that cannot be seen.

    On Linux not by the clock, which may be set while processes run.
    """
    try:
        if sys.platform != "linux":
            return psutil.Process(pid).create_time()
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
        return int(stat.rpartition(")")[2].split()[_STARTED])
    except (psutil.Error, OSError):
        return None
