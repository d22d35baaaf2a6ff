"""Draw where kernel and browser spend their time while events come in, as flame graphs beside this file.

    python -m benchmarks.dashboard.flames [--rate 200] [--seconds 15]

Samples of the kernel are of its processor time; those of the browser's main thread are of the time that passed, so a
busy machine makes all of them wider alike.
"""

import argparse
import asyncio
import json
import os
import signal
import tempfile
from bisect import bisect_right
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import nbformat

from benchmarks.dashboard import flame, running
from benchmarks.dashboard.load import Load
from benchmarks.dashboard.viewer import Viewer, browser
from benchmarks.processes import ROOT, embedded_database, running_server
from financeops.cli.notebooks import DASHBOARD

_HERE = Path(__file__).parent
_CATEGORIES = ("devtools.timeline", "disabled-by-default-v8.cpu_profiler")
_PLUMBING = {"RunTask", "ThreadControllerImpl::RunTask", "RunMicrotasks", "FunctionCall"}
_IDLE = {"(idle)", "(program)", "(root)"}


async def main(options):
    print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_database() as uri,
        running_server(uri) as server_url,
    ):
        samples = Path(folder) / "samples.json"
        with_sampler(samples, Path(folder) / DASHBOARD)
        async with (
            AsyncExitStack() as opened,
            Load(server_url) as load,
            browser() as chromium,
            running.dashboard(folder, server_url, notebooks=Path(folder)) as (url, web),
        ):
            await load.count(1_000)
            viewer = await opened.enter_async_context(Viewer.opened(chromium, url))
            kernel = await running.only_follower(web, server_url)
            await load.at_rate(options.rate, 3)
            await chromium.start_tracing(page=viewer.page, categories=list(_CATEGORIES))
            kernel.send_signal(signal.SIGUSR1)
            await load.at_rate(options.rate, options.seconds)
            kernel.send_signal(signal.SIGUSR2)
            trace = json.loads(await chromium.stop_tracing())
            await viewer.page.wait_for_timeout(2_000)  # the kernel writes a file
        stacks = Counter({tuple(s): n for s, n in json.loads(samples.read_text("utf-8"))})
        draw("kernel", stacks, options.rate)
        draw("browser", browser_stacks(trace["traceEvents"]), options.rate)
    print(f"load average after: {os.getloadavg()[0]:.2f}")


def draw(name, stacks, rate):
    file = _HERE / f"{name}.svg"
    load = os.getloadavg()[0]
    title = f"{name} at {rate} events/s, load average {load:.0f} on {os.cpu_count()} cores"
    file.write_text(flame.svg(stacks, title), encoding="utf-8")
    print(f"{file.relative_to(ROOT)}: {sum(stacks.values()):,} samples")


def with_sampler(samples, file):
    """Write the dashboard's notebook with a first cell that takes samples."""
    notebook = nbformat.read(ROOT / "notebooks" / DASHBOARD, as_version=4)
    code = (_HERE / "sampling.py").read_text("utf-8")
    sampler = f"import os\nos.environ['SAMPLES'] = {str(samples)!r}\n{code}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(sampler))
    nbformat.write(notebook, file)


def browser_stacks(events):
    """Stacks of the page's main thread: what the browser was at, and within scripts the functions."""
    profiles = [event for event in events if event["name"] == "Profile"]
    threads = Counter((event["pid"], event["tid"]) for event in events if event["name"] == "Layout")
    thread = threads.most_common(1)[0][0]
    begun = next(e for e in profiles if (e["pid"], e["tid"]) == thread)
    nodes, at, stacks = {}, begun["args"]["data"]["startTime"], Counter()
    spans = _Spans(e for e in events if (e["pid"], e["tid"]) == thread and e["ph"] == "X")
    for event in events:
        if event["name"] != "ProfileChunk" or (event["pid"], event["id"]) != (
            begun["pid"],
            begun["id"],
        ):
            continue
        data = event["args"]["data"]
        profile = data.get("cpuProfile", {})
        nodes |= {node["id"]: node for node in profile.get("nodes", ())}
        for node, delta in zip(profile.get("samples", ()), data["timeDeltas"], strict=True):
            at += delta
            script = [] if _name(nodes[node]) in _IDLE else _script(node, nodes)
            if stack := (*spans.around(at), *script):
                stacks[stack] += 1
    return stacks


class _Spans:
    """What a thread did, and within that what else."""

    def __init__(self, events):
        found = sorted(events, key=lambda event: (event["ts"], -event.get("dur", 0)))
        self._spans = [(e["ts"], e["ts"] + e.get("dur", 0), e["name"]) for e in found]
        self._begins = [begin for begin, _, _ in self._spans]
        self._outer, open_spans = [], []
        for index, (begin, _, _) in enumerate(self._spans):
            while open_spans and self._spans[open_spans[-1]][1] <= begin:
                open_spans.pop()
            self._outer.append(open_spans[-1] if open_spans else None)
            open_spans.append(index)

    def around(self, at):
        index = bisect_right(self._begins, at) - 1
        names = []
        while index is not None and index >= 0:
            _, end, name = self._spans[index]
            if end > at and name not in _PLUMBING:
                names.append(name)
            index = self._outer[index]
        return reversed(names)


def _script(node, nodes):
    stack = []
    while node is not None:
        found = nodes[node]
        if _name(found) not in _IDLE:
            file = found["callFrame"].get("url", "").split("?")[0].rsplit("/", 1)[-1][-30:]
            line = found["callFrame"].get("lineNumber", 0) + 1
            stack.append(f"{_name(found)} {file}:{line}" if file else _name(found))
        node = found.get("parent")
    return reversed(stack)


def _name(node):
    return node["callFrame"]["functionName"] or "(anonymous)"


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=200, help="events per second")
    parser.add_argument("--seconds", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(parse()))
