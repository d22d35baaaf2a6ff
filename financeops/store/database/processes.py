"""Identify this process, and tell whether a noted process has ended."""

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
"""Index of the start time, in ticks since boot, in `/proc/PID/stat` after the name."""


def place() -> str:
    """The scope in which process numbers are unique, in one word.

    On Linux that is this boot of the kernel with this process's PID namespace: containers may share
    the host's name and each have a process 1. Elsewhere it is the computer.
    """
    if sys.platform != "linux":
        return f"{socket.gethostname()}/{uuid.getnode():x}"
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return token_hex(8)  # unknown, so that no other process takes this place for its own


def this_process() -> Document:
    """The fields of a note that identify this process."""
    pid = os.getpid()
    return {"place": place(), "pid": pid, "started": _started(pid)}


def is_dead(note: Document) -> bool:
    """Whether a process of this place has certainly ended."""
    if not psutil.pid_exists(note["pid"]):
        return True
    # Its number may belong to another process by now, which started later.
    started = _started(note["pid"])
    return started is not None and abs(started - note["started"]) >= 1


def _started(pid: int) -> float | None:
    """When a process started; None if that cannot be read.

    On Linux this does not depend on the clock, which may be set while processes run.
    """
    try:
        if sys.platform != "linux":
            return psutil.Process(pid).create_time()
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
        return int(stat.rpartition(")")[2].split()[_STARTED])
    except (psutil.Error, OSError):
        return None
