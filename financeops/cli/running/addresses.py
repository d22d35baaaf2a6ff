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

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - values that --host may have
_ANSWER_WITHIN = 5.0
_PORTS = range(20_000, 32_000)


def reachable(host: str) -> str:
    """Return the address at which this machine reaches a program that listens on `host`."""
    return _ANY.get(host, host)


def url_of(host: str, port: int) -> str:
    """Return the URL of a program on this machine that listens on `host` and `port`."""
    address = reachable(host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def link_of(host: str, port: int) -> str:
    """Return the same for people to read and click: with ``localhost`` where possible."""
    is_local = reachable(host) in {"127.0.0.1", "::1"}
    return f"http://localhost:{port}" if is_local else url_of(host, port)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which nothing listens.

    Systems do not use it for outgoing connections, so nothing takes it by chance before it is
    used.
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
    """Check, before anything is started, that all ports are free.

    Parameters
    ----------
    host : str
    ports : mapping of str to int
        Command line flag to port.

    Raises
    ------
    Misconfigured
        Naming the flag to change.
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
        return f"{host!r} is not an address of this machine: change --host"
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use: stop the program that uses it, or choose another port with {flag}"
        case errno.EACCES:
            return f"port {port} is reserved for the system: choose one above 1023 with {flag}"
        case _:
            reason = os.strerror(error.errno) if error.errno else str(error)
            return f"port {port} cannot be used ({reason}): choose another port with {flag}"


async def accepts(host: str, port: int) -> bool:
    """Whether a program accepts connections."""
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

    The rest of the answer is not read: this is called ten times a second while a program starts.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    writer = None
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request.encode())
            status_line = await reader.readline()
    except (OSError, ValueError):  # ValueError: a line too long to be HTTP
        return False
    finally:
        if writer is not None:
            writer.close()
    version, _, rest = status_line.partition(b" ")
    return version.startswith(b"HTTP/") and rest[:1] in {b"2", b"3"}
