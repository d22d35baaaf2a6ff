"""Kernels as forks of a warm parent, started as Jupyter starts kernels."""

import asyncio
import os
import subprocess
import sys
import textwrap
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

import financeops
from financeops.cli.running.addresses import free_port
from financeops.core.errors import Unavailable
from financeops.dashboard.kernels.forks import WarmParent, shared_parent
from financeops.dashboard.kernels.provisioner import CAN_FORK
from financeops.dashboard.serve.visits import Visits
from tests.processes import start_server

DASHBOARD = Path(financeops.__file__).parent / "dashboard"
SPECS = [str(DASHBOARD / "kernels")]

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")


@asynccontextmanager
async def kernel(**launch):
    """A running viewer's kernel: its manager and a client."""
    specs = KernelSpecManager(kernel_dirs=SPECS)
    with zmq.asyncio.Context() as context:
        manager = AsyncKernelManager(
            kernel_name="financeops-viewer", kernel_spec_manager=specs, context=context
        )
        await manager.start_kernel(**launch)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            yield manager, client
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)


async def run(client, code):
    """Run code and return what it prints; fail if it raises."""
    printed = []

    def hear(message):
        printed.append(message["content"].get("text", ""))

    answer = await client.execute_interactive(code, output_hook=hear, timeout=60)
    assert answer["content"]["status"] == "ok", answer["content"]
    return "".join(printed).strip()


def process_of(manager):
    return psutil.Process(manager.provisioner.pid)


def memory_of(process):
    """Kilobytes of a process by kind: Pss, Private_Dirty, …"""
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(size) for name, size, *_ in map(str.split, lines)}


def gone(*processes):
    return psutil.wait_procs(processes, timeout=10)[1] == []


async def test_a_kernel_runs_code_in_its_own_directory_and_environment(tmp_path):
    async with kernel(cwd=str(tmp_path), env={"HOME": str(tmp_path), "SEEN": "yes"}) as (_, client):
        said = await run(client, "import os; print(os.getcwd(), os.environ['SEEN'])")
        assert said == f"{tmp_path} yes"


async def test_a_kernel_that_is_told_to_shut_down_ends_by_itself():
    async with kernel() as (manager, _client):
        process = process_of(manager)
        await manager.shutdown_kernel()
        assert gone(process)
        assert manager.provisioner is None or not manager.provisioner.has_process


async def test_a_kernel_that_shuts_down_flushes_before_it_closes_its_output(tmp_path):
    async with kernel() as (manager, client):
        fork, log = manager.provisioner.process, tmp_path / "log"
        code = f"""
            import collections, logging, threading

            logging.getLogger("tornado.general").addHandler(logging.FileHandler({str(log)!r}))
            kernel = get_ipython().kernel
            output, shut_down = kernel.iopub_thread, kernel.control_handlers["shutdown_request"]
            flushing = threading.Event()

            class Events(collections.deque):
                def append(self, event):
                    if threading.current_thread() is kernel.control_thread and not flushing.is_set():
                        flushing.set()
                        output.thread.join(0.5)  # the main thread could close what flush needs
                    super().append(event)

            async def shut_down_beside_a_busy_main_thread(*arguments):
                output._events = Events(output._events)
                kernel.io_loop.add_callback(flushing.wait)
                await shut_down(*arguments)

            kernel.control_handlers["shutdown_request"] = shut_down_beside_a_busy_main_thread
        """
        await run(client, textwrap.dedent(code))
        manager.shutdown_wait_time = 60  # before it is killed
        await manager.shutdown_kernel()
        assert fork.wait(10) == 0
    assert log.read_text("utf-8") == ""


async def test_an_interrupted_kernel_continues():
    async with kernel() as (manager, client):
        client.execute(
            "import time; print('asleep', flush=True); time.sleep(600)", stop_on_error=False
        )
        while (await client.get_iopub_msg(timeout=30))["content"].get(
            "text", ""
        ).strip() != "asleep":
            pass
        await manager.interrupt_kernel()
        answer = await client.get_shell_msg(timeout=30)
        assert answer["content"]["ename"] == "KeyboardInterrupt"
        assert await run(client, "print(6 * 7)") == "42"


async def test_a_kernel_is_restarted_as_another_fork_without_its_state():
    async with kernel() as (manager, client):
        before = process_of(manager)
        await run(client, "left = 1")
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=60)
        assert gone(before)
        assert await run(client, "print('left' in dir())") == "False"


async def test_a_killed_kernel_is_known_to_be_dead_with_its_signal():
    async with kernel() as (manager, _client):
        process = process_of(manager)
        process.kill()
        assert gone(process)  # and reaped: it is not a zombie
        async with asyncio.timeout(10):
            assert await manager.provisioner.wait() == -9
        assert not await manager.is_alive()


async def test_what_a_kernel_started_ends_with_it():
    async with kernel() as (manager, client):
        code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
        child = psutil.Process(int(await run(client, code)))
        await manager.shutdown_kernel(now=True)
        assert gone(child)


async def test_a_page_is_told_the_state_of_all_widgets_at_once():
    async with kernel() as (_manager, client):
        await run(client, "import ipywidgets; sliders = [ipywidgets.IntSlider() for _ in range(3)]")
        comm = {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}}
        opening = client.session.msg("comm_open", comm, metadata={"version": "1.0.0"})
        client.shell_channel.send(opening)
        asked = {"comm_id": "control", "data": {"method": "request_states"}}
        client.shell_channel.send(client.session.msg("comm_msg", asked))
        while (heard := await client.get_iopub_msg(timeout=30))["msg_type"] != "comm_msg":
            assert heard["msg_type"] != "comm_close", "nobody answers for the widgets"
        assert heard["content"]["data"]["method"] == "update_states"
        models = [state["model_name"] for state in heard["content"]["data"]["states"].values()]
        assert models.count("IntSliderModel") == 3


async def test_five_kernels_at_once_share_the_memory_of_what_they_imported():
    async with AsyncExitStack() as stack:
        kernels = [await stack.enter_async_context(kernel()) for _ in range(5)]
        nobody = f"http://127.0.0.1:{free_port()}"  # a running `make up` has the default address
        show = f"import financeops as fo; dashboard = fo.Dashboard({nobody!r}); dashboard"
        await asyncio.gather(*(run(client, show) for _, client in kernels))
        processes = [process_of(manager) for manager, _ in kernels]
        assert len({process.pid for process in processes}) == 5
        for process in processes:
            memory = memory_of(process)
            # Most of its memory is shared: the figure varies, but half of it is a safe limit.
            assert memory["Private_Dirty"] < memory["Rss"] / 2
    assert gone(*processes)


IMPORTED = """
import sys
sys.path.insert(0, sys.argv[1])
import warm_parent
warm_parent.warm_up()
import os
print(len(os.listdir("/proc/self/task")), *sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def warmed_up():
    """Return the number of threads and the modules of a parent that is ready to fork."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTED, str(DASHBOARD / "kernels")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    threads, *modules = done.stdout.split()
    return int(threads), set(modules)


def test_the_parent_has_one_thread_because_forks_inherit_no_other(warmed_up):
    assert warmed_up[0] == 1


@pytest.fixture
def server(database_uri):
    """A server with figures to show."""
    process = start_server(database_uri)
    httpx.post(f"{process.url}/payments/seed", params={"count": 200}, timeout=60)
    yield process
    process.stop()


async def test_a_fork_finds_everything_imported_and_answers_what_was_brought_before_its_cells_ran(
    warmed_up, server
):
    visits = Visits(patience=60)
    view = {"parameters": {"tenant": "tenant_1", "period": "week"}, "languages": ["de-AT"]}
    async with kernel() as (manager, client), asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(visits.bring(manager, view, waiting=True))
        show = f"import financeops as fo; dashboard = fo.Dashboard({server.url!r}); dashboard"
        await run(client, f"{show}\nawait dashboard.ready()")
        html = await asked
        # Who asks again gets the same.
        assert await visits.bring(manager, {}, waiting=True) == html
        modules = set((await run(client, "import sys; print(*sys.modules)")).split())
    async with httpx.AsyncClient(base_url=server.url) as http:
        recorded = (await http.get("/api/analytics/metrics")).json()
    assert recorded["totalPayments"] == 200
    assert f'data-seq="{recorded["seq"]}"' in html
    assert "Zahlungen live" in html
    # A kernel starts with this one, which must not change in the parent.
    assert modules - warmed_up[1] <= {"faulthandler"}


async def test_forks_of_a_killed_parent_end_and_the_next_kernel_has_a_new_one():
    async with kernel() as (manager, _client):
        parent, fork = psutil.Process(shared_parent().pid), process_of(manager)
        parent.kill()
        assert gone(fork)
        async with asyncio.timeout(10):
            assert await manager.provisioner.wait() == -9
    async with kernel() as (_manager, client):
        assert await run(client, "print(6 * 7)") == "42"
    assert gone(parent)


def test_a_fork_of_an_ended_parent_is_refused_with_the_reason():
    parent = WarmParent()
    psutil.Process(parent.pid).kill()
    asked = parent.fork(connection_file="none", cwd="/", env={})
    with pytest.raises(Unavailable, match="ended with code -9"):
        asked.result(timeout=30)


HOLDER = """
import sys, time
from financeops.dashboard.kernels.forks import WarmParent
parent = WarmParent()
fork = parent.fork(connection_file=sys.argv[1], cwd="/", env={"PATH": "", "HOME": "/"}).result(60)
print(parent.pid, fork.pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_killed_server(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "kernel.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        processes = [psutil.Process(int(pid)) for pid in holder.stdout.readline().split()]
        holder.kill()
    assert len(processes) == 2
    assert gone(*processes)
