"""`financeops up`: everything on this machine, with one command."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
import webbrowser
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from financeops.cli import notebooks
from financeops.cli.running import addresses, children, data_directory, databases, embedded
from financeops.cli.running.screen import Screen, Starting
from financeops.cli.running.supervisor import (
    Child,
    ChildFailed,
    Supervisor,
    check_settings,
)
from financeops.client import Client, FirstHistoryAnswer
from financeops.core.contract.agreements import DEFAULT_URL
from financeops.core.errors import FinanceOpsError, Misconfigured
from financeops.tasks import end

_AT_ONCE = 1000
"""Payments recorded before the links are shown."""
_ASK_EVERY = 0.5


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The options of the command line."""

    host: str
    port: int
    dashboard_port: int
    lab_port: int
    data_dir: Path
    dashboard: bool
    lab: bool
    simulate: bool
    seed: bool
    open_browser: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run, in the order of starting, and the links to show."""

    base: tuple[Child, ...]
    pages: tuple[Child, ...]
    server_url: str
    links: dict[str, str]


def up(choices: Choices, screen: Screen) -> None:
    """Run everything until Ctrl-C or SIGTERM.

    Raises
    ------
    Misconfigured
        Before any payment is taken: if a port is in use, a folder cannot be used, a program is not
        installed, or a setting is wrong. What was made in the data folder is removed.
    ChildFailed
        When a child ended three times within a minute.
    """
    with data_directory.locked(choices.data_dir, screen.say) as lock:
        ports = {"--port": choices.port}
        if choices.dashboard:
            ports["--dashboard-port"] = choices.dashboard_port
        if choices.lab:
            ports["--lab-port"] = choices.lab_port
        addresses.check_ports(choices.host, ports)
        asyncio.run(_run(plan_of(choices, screen.say), choices, screen, lock))


def plan_of(choices: Choices, say: Callable[[str], None]) -> Plan:
    """Decide what to run; `say` tells the user what is not obvious."""
    host = choices.host
    server_url = addresses.url_of(host, choices.port)
    links = {}
    base = []
    pages = []
    uri = None
    if not os.environ.get(embedded.URI_SETTING):
        port = addresses.free_port()
        child, uri = databases.child_of(choices.data_dir, port, os.environ, say)
        base.append(child)
    shown_at = addresses.link_of(host, choices.dashboard_port) if choices.dashboard else None
    base.append(
        children.server(
            host, choices.port, uri=uri, simulate=choices.simulate, dashboard_url=shown_at
        )
    )
    shown = choices.dashboard or choices.lab
    folder = notebooks.folder_for(choices.data_dir, say) if shown else Path()
    if choices.dashboard:
        port = choices.dashboard_port
        pages.append(children.dashboard(folder, host, port, server_url=server_url))
        links["Dashboard"] = addresses.link_of(host, port)
    links["API"] = addresses.link_of(host, choices.port) + "/docs"
    if choices.lab:
        port = choices.lab_port
        token = children.lab_token()
        pages.append(children.lab(folder, host, port, server_url=server_url, token=token))
        links["JupyterLab"] = f"{addresses.link_of(host, port)}/lab?token={token}"
    return Plan(base=tuple(base), pages=tuple(pages), server_url=server_url, links=links)


async def _run(plan: Plan, choices: Choices, screen: Screen, lock: int) -> None:
    await asyncio.gather(*map(check_settings, (*plan.base, *plan.pages)))
    supervisor = Supervisor(choices.data_dir / "logs", screen.say, keep=[lock])
    stop = _stop_event(supervisor, screen)
    async with supervisor:
        work = asyncio.create_task(_start_and_watch(plan, choices, supervisor, screen))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            pass
        except ChildFailed as failure:
            for line in failure.last_lines:
                screen.say(f"  {line}", style="dim")
            raise
        finally:
            screen.say("Stopping …")
    screen.say("Stopped.")


async def _start_and_watch(
    plan: Plan, choices: Choices, supervisor: Supervisor, screen: Screen
) -> None:
    with screen.progress() as starting:
        for child in plan.base:
            await _start(child, supervisor, starting)
        pages = [_start(child, supervisor, starting) for child in plan.pages]
        if choices.seed:
            pages.append(_begin_history(plan.server_url, starting, screen))
        try:
            await asyncio.gather(*pages)
        except Misconfigured as error:
            # The server takes payments by now: nothing is removed as after a refused start.
            raise ChildFailed(str(error), []) from None
    screen.say()
    for name, link in plan.links.items():
        screen.say(f"  {name:<11} {link}", style="bold")
    screen.say()
    url = plan.links["API"].removesuffix("/docs")
    if url != DEFAULT_URL:
        screen.say(f"  For commands and notebooks in other terminals: export FINANCEOPS_URL={url}")
    if shutil.which("financeops") is None:
        screen.say(f"  The command is {Path(sys.executable).with_name('financeops')}")
    screen.say(f"  Data and logs are in {choices.data_dir}. Ctrl-C stops everything.")
    if choices.open_browser:
        await asyncio.to_thread(webbrowser.open, next(iter(plan.links.values())))
    going_on = None
    if choices.seed:
        going_on = asyncio.create_task(_go_on_with_history(plan.server_url, screen))
    try:
        await supervisor.watch()
    finally:
        if going_on is not None:
            await end([going_on])


async def _start(child: Child, supervisor: Supervisor, starting: Starting) -> None:
    with starting.step(child.name):
        await supervisor.start(child)


async def _begin_history(url: str, starting: Starting, screen: Screen) -> None:
    """Have the last hours recorded, so that the dashboard shows payments from the start."""
    with starting.step("history of the last hours"):
        async with Client(url) as client:
            try:
                await client.record_history(newest=_AT_ONCE)
            except FinanceOpsError as error:
                # The dashboard is useful without a history: go on.
                screen.say(f"The history could not be recorded: {error}")


async def _go_on_with_history(url: str, screen: Screen) -> None:
    """Have the rest of two years recorded, and show the progress."""
    began = time.monotonic()
    async with Client(url) as client:
        at = await _progress_once_known(client.record_history)
        if at.recorded == at.count:
            return
        with screen.recording(at.count) as recording:
            while at.recorded < at.count:
                recording.show(at.recorded)
                await asyncio.sleep(_ASK_EVERY)
                # A restarted server resumes by itself.
                at = await _progress_once_known(client.history, since=at)
    screen.say(
        f"✓ history is complete: {at.count:,} payments of two years "
        f"({time.monotonic() - began:.0f} s)",
        style="green",
    )


async def _progress_once_known(
    ask: Callable[[], Awaitable[FirstHistoryAnswer]], since: FirstHistoryAnswer | None = None
) -> FirstHistoryAnswer:
    """Ask how far the history is; a server that is starting does not know it yet."""
    while True:
        try:
            at = await ask()
        except FinanceOpsError:
            pass
        else:
            if since is None or at.count:
                return at
        await asyncio.sleep(_ASK_EVERY)


def _stop_event(supervisor: Supervisor, screen: Screen) -> asyncio.Event:
    """Return an event that Ctrl-C, SIGTERM or a closed terminal sets; a second signal kills."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            screen.say("Killing …")
            supervisor.kill()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, on_signal)
    loop.add_signal_handler(signal.SIGTERM, on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # unless started with nohup
        loop.add_signal_handler(signal.SIGHUP, on_signal)
    return stop
