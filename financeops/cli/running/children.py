"""The programs that `up` runs, and how to tell that each is ready."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from financeops.cli.notebooks import DASHBOARD
from financeops.cli.running import addresses, embedded, mongod, pulse, start
from financeops.cli.running.supervisor import Child
from financeops.core.contract import paths
from financeops.core.errors import Misconfigured

_PASSWORDS = frozenset({embedded.URI_SETTING, "JUPYTER_TOKEN"})
"""Settings with secrets: each is only passed to the program that needs it."""


def database(directory: Path, port: int, *, password: str) -> Child:
    """The embedded database, protected by a password."""
    login = embedded.USER, password
    return Child(
        name="database",
        command=embedded.guarded_command(directory, port),
        withheld=_PASSWORDS,
        is_ready=partial(addresses.accepts, embedded.HOST, port),
        port=port,
        private=True,
        # Opening a million payments after a kill took 14 s on two cores.
        ready_within=180,
        # Twice as long as a caller waits for a commit. It may be busy for a while; after two minutes
        # without a commit it is killed, which loses nothing that was acknowledged.
        responds=partial(pulse.commits, embedded.HOST, port, within=20, login=login),
    )


def mongodb(program: Path, directory: Path, port: int, *, password: str) -> Child:
    """A mongod of this machine, supervised in the same way."""
    return replace(
        database(directory, port, password=password),
        command=mongod.command(program, directory, port),
        is_ready=partial(mongod.is_ready, port, password),
    )


def server(
    host: str, port: int, *, uri: str | None, simulate: bool, dashboard_url: str | None = None
) -> Child:
    """The server; without `uri` it reads the setting itself."""
    environment = {"FINANCEOPS_HOST": host, "FINANCEOPS_PORT": str(port)}
    if uri is not None:
        environment[embedded.URI_SETTING] = uri
    if dashboard_url is not None:
        environment["FINANCEOPS_DASHBOARD_URL"] = dashboard_url
    if not simulate:
        environment["FINANCEOPS_SIMULATE"] = "false"
    return Child(
        name="server",
        command=start.command("server"),
        environment=environment,
        withheld=_PASSWORDS - {embedded.URI_SETTING},
        is_ready=partial(addresses.answers, addresses.reachable(host), port, paths.READY),
        port=port,
        # A start may recount what an earlier version counted: on the embedded database that took
        # two minutes for 33,000 payments of two years, beside other work.
        ready_within=7200,
        complaint="financeops: ",
        news=" INFO financeops: ",
        check=start.command("server.settings", "--check"),
    )


def dashboard(notebooks: Path, host: str, port: int, *, server_url: str) -> Child:
    """Voilà with the dashboard's notebook."""
    _needs("voila", "--no-dashboard")
    return Child(
        name="dashboard",
        command=start.command(
            "financeops.dashboard.serve",
            *(str(notebooks / DASHBOARD), f"--Voila.ip={host}", f"--port={port}"),
        ),
        environment={"FINANCEOPS_URL": server_url},
        withheld=_PASSWORDS,
        # A GET of the page itself would use up a kernel.
        is_ready=partial(addresses.answers, addresses.reachable(host), port, "/voila/health"),
        port=port,
        ready_within=120,
        complaint="financeops: ",
        check=start.command("financeops.dashboard.serve.settings"),
    )


def lab(notebooks: Path, host: str, port: int, *, server_url: str, token: str) -> Child:
    """JupyterLab on the notebooks."""
    _needs("jupyterlab", "--no-lab")
    return Child(
        name="lab",
        command=start.command(
            "financeops.cli.running.lab",
            "--no-browser",
            *(f"--ServerApp.ip={host}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
            f"--ServerApp.root_dir={notebooks}",
            # Kernels communicate through sockets that only their user may open.
            "--KernelManager.transport=ipc",
            # No request to an outside host.
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            # Do not ask whether to make any.
            f"--LabApp.app_settings_dir={Path(__file__).parent / 'lab'}",
            *(["--allow-root"] if os.geteuid() == 0 else []),
        ),
        # In the environment, because every user of the machine can read command lines.
        environment={"FINANCEOPS_URL": server_url, "JUPYTER_TOKEN": token},
        # Voilà, as its extension, runs a `voila.py` of the working directory as configuration.
        folder=notebooks,
        withheld=_PASSWORDS,
        is_ready=partial(addresses.answers, addresses.reachable(host), port, "/api"),
        port=port,
        ready_within=120,
    )


def lab_token() -> str:
    """Return the token that protects JupyterLab: JUPYTER_TOKEN, or a new one."""
    return os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)


def _needs(module: str, flag: str) -> None:
    if find_spec(module) is None:
        raise Misconfigured(
            f"{module} is not installed: pip install 'financeops[notebook]', or use {flag}"
        )
