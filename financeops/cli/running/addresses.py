"""Hosts, ports and links of the programs that `up` starts."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress

from financeops.core.errors import Misconfigured

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a person may write after --host
_ANSWER_WITHIN = 5.0
_PORTS = range(20_000, 32_000)


def reachable(host: str) -> str:
    """Address under which a program that listens on `host` is reached from this machine."""
    return _ANY.get(host, host)


def url_of(host: str, port: int) -> str:
    """URL of a program on this machine that listens on `host` and `port`."""
    address = reachable(host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def link_of(host: str, port: int) -> str:
    """The same for people to read and click: ``localhost`` where that is what is meant."""
    here = reachable(host) in {"127.0.0.1", "::1"}
    return f"http://localhost:{port}" if here else url_of(host, port)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now.

    It is none of those that systems give to outgoing connections, so nothing takes it by chance
    before it is used.
    """
    while True:
        port = secrets.choice(_PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


def check_ports(host: str, ports: Mapping[str, int]) -> None:
    """Find out, before anything is started, whether all ports can be had.

    Parameters
    ----------
    host : str
    ports : mapping of str to int
        Command line flag to port.

    Raises
    ------
    Misconfigured
        Naming the flag that has to change.
    """
    flags: dict[int, str] = {}
    for flag, port in ports.items():
        if port in flags:
            raise Misconfigured(f"{flags[port]} and {flag} are both {port}")
        flags[port] = flag
    for port, flag in flags.items():
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            socket.create_server(address, family=family).close()
        except OSError as error:
            raise Misconfigured(_why_not(host, port, flag, error)) from None


def _why_not(host: str, port: int, flag: str, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host!r} is no address of this machine: change --host"
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is taken: stop what uses it or choose another with {flag}"
        case errno.EACCES:
            return f"port {port} is for the system only: choose one above 1023 with {flag}"
        case _:
            reason = os.strerror(error.errno) if error.errno else str(error)
            return f"port {port} cannot be used ({reason}): choose another with {flag}"


async def accepts(host: str, port: int) -> bool:
    """Whether somebody accepts connections."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def answers(host: str, port: int, path: str) -> bool:
    """Whether a GET is answered with a status below 400.

    Nothing of the answer is used: this asks while a program starts, ten times a second.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    writer = None
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request.encode())
            status_line = await reader.readline()
    except (OSError, ValueError):  # ValueError: a line without end, so no HTTP
        return False
    finally:
        if writer is not None:
            writer.close()
    version, _, rest = status_line.partition(b" ")
    return version.startswith(b"HTTP/") and rest[:1] in {b"2", b"3"}
