"""The dashboard's web server from inside: what it keeps of visits, and what viewers' kernels get."""

import gc
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

import financeops
from financeops.cli.running.addresses import free_port
from financeops.dashboard.kernels.provisioner import CAN_FORK
from financeops.dashboard.serve.app import DashboardServer, defaults
from financeops.dashboard.serve.channels import PROTOCOL
from financeops.jupyter import LONGEST, socket_folder

NOTEBOOK = Path(financeops.__file__).parents[1] / "notebooks" / "dashboard.ipynb"
SECRET = "mongodb://name:password@db.example"

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")


def test_a_program_in_the_working_directory_is_not_run_as_configuration(tmp_path, monkeypatch):
    (tmp_path / "voila.py").write_text("from pathlib import Path\nPath('it-ran').touch()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", str(Path(financeops.__file__).parent / "dashboard"))
    stops = signal.getsignal(signal.SIGTERM)
    server = DashboardServer(config=defaults())
    server.initialize([str(NOTEBOOK)])
    signal.signal(signal.SIGTERM, stops)
    assert not (tmp_path / "it-ran").exists()


@pytest.fixture
async def served(monkeypatch):
    """A server in this process, with one waiting kernel, and an HTTP session for it."""
    monkeypatch.setenv("FINANCEOPS_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("FINANCEOPS_MONGODB_URI", SECRET)
    monkeypatch.setenv("JUPYTER_PATH", str(Path(financeops.__file__).parent / "dashboard"))
    stops = signal.getsignal(signal.SIGTERM)
    config = defaults()
    config.VoilaConfiguration.default_pool_size = 1
    with socket_folder() as folder:
        server = DashboardServer(config=config)
        server.initialize([str(NOTEBOOK)])
        signal.signal(signal.SIGTERM, stops)
        server.connection_dir = str(folder)
        server.app = Application(**server.init_settings())
        server.app.add_handlers(".*$", server.init_handlers())
        listener, port = bind_unused_port()
        http = HTTPServer(server.app)
        http.add_socket(listener)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield server, session
        await until_one_waits(server)  # otherwise its page stays unfinished, with its sockets open
        await server.kernel_manager.shutdown_all(now=True)
        http.stop()
        await http.close_all_connections()
    assert not folder.exists()


async def until_one_waits(server):
    """Wait until a page is ready for the next viewer."""
    for pool in server.kernel_manager._pools.values():
        for waiting in tuple(pool):
            await (await waiting)["task"]


async def visited(session, **parameters):
    """Visit as a new viewer, and return the id of the kernel."""
    async with session.get("/", params=parameters) as answer:
        return re.search(r'"kernelId": "([\w-]+)"', await answer.text())[1]


def kept(mark):
    """Return everything in memory that contains a text with this mark."""
    gc.collect()
    return [
        one
        for one in gc.get_objects()
        if type(one) is dict and any(type(v) is str and mark in v for v in one.values())
    ]


async def test_requests_of_ended_visits_are_not_kept(served):
    server, session = served
    for number in range(2):
        await until_one_waits(server)
        kernel = await visited(session, tenant=f"asked-for-{number}")
        unfinished = {"Upgrade": "websocket", "Sec-WebSocket-Protocol": PROTOCOL}
        channels = f"/api/kernels/{kernel}/channels?session_id=session-{number}"
        async with session.get(channels, headers=unfinished) as answer:
            assert answer.status == 400
        assert ZMQChannelsWebsocketConnection._open_sessions == {}
        await server.viewers.end(kernel)
    await session.close()
    assert kept("asked-for-0") == []


@asynccontextmanager
async def client_of(manager):
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()


async def test_a_kernel_has_no_port_and_only_the_environment_it_needs(served):
    server, session = served
    first, second = [await visited(session, tenant=name) for name in ("one", "other")]
    printed = []
    for kernel in (first, second):
        manager = server.kernel_manager.get_kernel(kernel)
        process = psutil.Process(manager.provisioner.pid)
        assert [each for each in process.net_connections("inet") if each.status == "LISTEN"] == []
        async with client_of(manager) as client:
            await client.execute_interactive(
                "import os; print(dict(os.environ))",
                output_hook=lambda said: printed.append(str(said["content"].get("text", ""))),
                timeout=60,
            )
    said = "".join(printed)
    assert os.environ["FINANCEOPS_URL"] in said
    assert "password" not in said
    assert "tenant=one" not in said, "the other viewer's kernel was started when this one came"


def test_folders_for_sockets_are_short_private_and_do_not_outlive_their_process(tmp_path):
    program = (
        "import sys, time; from financeops.jupyter import socket_folder\n"
        "with socket_folder() as folder: print(folder, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program]
    long = tmp_path / ("x" * 100)
    long.mkdir()
    for place in (tempfile.gettempdir(), str(long)):
        environment = {**os.environ, "TMPDIR": place}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env=environment, text=True
        ) as killed:
            folder = Path(killed.stdout.readline().strip())
            assert folder.stat().st_mode & 0o777 == 0o700
            assert len(str(folder / "voila_abcdefgh")) <= LONGEST
            with socket_folder():
                assert folder.exists(), "its process lives"
            killed.kill()
        with socket_folder() as other:
            assert other != folder
            assert not folder.exists()
