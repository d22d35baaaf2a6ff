"""The commands that run programs, ``up`` and ``serve``, and ``notebooks``, to work in beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from financeops.cli.notebooks import FOLDER, copy_to
from financeops.core.contract.agreements import DEFAULT_PORT
from financeops.core.errors import Misconfigured

_Host = Annotated[
    str,
    typer.Option(envvar="FINANCEOPS_HOST", help="Address to listen on; 0.0.0.0 for all addresses."),
]
_Port = Annotated[
    int, typer.Option(envvar="FINANCEOPS_PORT", min=1, max=65535, help="Port of the server.")
]
_NoSimulate = Annotated[bool, typer.Option("--no-simulate", help="Do not simulate payments.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(up)
    app.command()(serve)
    app.command("notebooks")(copy_notebooks)


def up(
    *,
    host: _Host = "127.0.0.1",
    port: _Port = DEFAULT_PORT,
    dashboard_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the dashboard (Voilà).")
    ] = 8866,
    lab_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of JupyterLab.")] = 8888,
    data_dir: Annotated[
        Path, typer.Option(file_okay=False, help="Folder for the database and the logs.")
    ] = Path(".financeops"),
    no_dashboard: Annotated[
        bool, typer.Option("--no-dashboard", help="Do not start the dashboard.")
    ] = False,
    no_lab: Annotated[bool, typer.Option("--no-lab", help="Do not start JupyterLab.")] = False,
    no_simulate: _NoSimulate = False,
    no_seed: Annotated[
        bool, typer.Option("--no-seed", help="Leave an empty database empty.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the dashboard in the browser.")
    ] = False,
) -> None:
    """Run everything: database, server, dashboard, JupyterLab. Ctrl-C stops it.

    If FINANCEOPS_MONGODB_URI is set, that database is used and none is started.
    """
    from financeops.cli.running.screen import Screen  # noqa: PLC0415 - `--help` needs none of this
    from financeops.cli.running.up import Choices, up  # noqa: PLC0415

    choices = Choices(
        host=host,
        port=port,
        dashboard_port=dashboard_port,
        lab_port=lab_port,
        data_dir=data_dir,
        dashboard=not no_dashboard,
        lab=not no_lab,
        simulate=not no_simulate,
        seed=not no_seed,
        open_browser=open_browser,
    )
    up(choices, Screen())


def serve(
    *, host: _Host = "127.0.0.1", port: _Port = DEFAULT_PORT, no_simulate: _NoSimulate = False
) -> None:
    """Run only the server, on your own database.

    FINANCEOPS_MONGODB_URI names the database.
    """
    from financeops.cli.running import start  # noqa: PLC0415 - no other command needs it

    if not os.environ.get("FINANCEOPS_MONGODB_URI"):
        raise Misconfigured(
            "FINANCEOPS_MONGODB_URI is not set: name a MongoDB such as "
            "mongodb://localhost:27017/financeops, or let `financeops up` start one"
        )
    environment = {**os.environ, "FINANCEOPS_HOST": host, "FINANCEOPS_PORT": str(port)}
    if no_simulate:
        environment["FINANCEOPS_SIMULATE"] = "false"
    # The server replaces this process, so signals and the exit code are its own.
    command = start.command("server")
    os.execve(command[0], command, environment)  # noqa: S606 - our own


def copy_notebooks(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", file_okay=False, help="Folder to copy them to.")
    ] = FOLDER,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite notebooks that differ.")
    ] = False,
) -> None:
    """Copy the notebooks that come with FinanceOps, to read, run and change.

    A notebook that exists and differs is kept and named.
    """
    copied = copy_to(folder, force=force)
    typer.echo(f"{folder}: {len(copied.written)} copied, {len(copied.same)} already there")
    if copied.kept:
        names = ", ".join(copied.kept)
        typer.echo(f"kept, because they differ: {names}; --force overwrites them")
