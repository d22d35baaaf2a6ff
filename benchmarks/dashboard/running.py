"""The dashboard's web server, started as by `financeops up`, and its kernels."""

import asyncio
import dataclasses
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from benchmarks.processes import ROOT
from financeops.cli.running import addresses, children
from financeops.cli.running.supervisor import Supervisor

HOST = "127.0.0.1"
_PREHEAT, _COLD = "--preheat_kernel=True", "--preheat_kernel=False"


@asynccontextmanager
async def dashboard(folder, server_url, *, warm=True, notebooks=ROOT / "notebooks"):
    """Run the dashboard's web server, and yield its URL and process; not `warm`: without waiting kernels."""
    port = addresses.free_port()
    child = children.dashboard(notebooks, HOST, port, server_url=server_url)
    if not warm:
        others = (option for option in child.command if option != _PREHEAT)
        child = dataclasses.replace(child, command=(*others, _COLD))
    async with Supervisor(Path(folder), print) as supervisor:
        await supervisor.start(child)
        yield f"http://localhost:{port}", _listening_on(port)


async def only_follower(web, server_url):
    """Return the viewer's kernel; those that wait for a viewer stop following after a while."""
    while True:
        found = followers(web, server_url)
        if len(found) == 1:
            return found[0]
        await asyncio.sleep(1)


def followers(process, server_url):
    """Return the kernels of `process` that are connected to the server."""
    port = int(server_url.rsplit(":", 1)[1])
    return [child for child in process.children(recursive=True) if _is_connected(child, port)]


def _is_connected(process, port):
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:  # it has ended
        return False
    return any(c.raddr and c.raddr.port == port and c.status == "ESTABLISHED" for c in connections)


def _listening_on(port):
    for process in psutil.Process().children(recursive=True):
        for connection in process.net_connections("tcp"):
            if connection.laddr.port == port and connection.status == "LISTEN":
                return process
    raise LookupError(f"no process listens on {port}")
