"""Compare forked and ordinary kernels: memory per viewer and time to the first figures.

    python -m benchmarks.viewers [--viewers 5]

One server with history, one Chromium, the dashboard served twice: by `financeops.dashboard.serve`, and by plain Voilà
with the same template and the same warm pool. PSS divides shared memory among the processes that share it, so it adds up.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
from playwright.sync_api import sync_playwright

from benchmarks.processes import ROOT, embedded_database, ended, running_server
from financeops.cli.running.addresses import free_port

GIB = 1024
FIGURES = ".fo-cards"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
POOL = 2
PLAIN = (
    *(
        "voila",
        "--no-browser",
        "--template=financeops",
        "--preheat_kernel=True",
        f"--pool_size={POOL}",
    ),
    "--KernelManager.autorestart=False",
)


@contextmanager
def served(command, server):
    """Run a dashboard, and yield its URL and the process that serves it."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", *command, str(ROOT / "notebooks" / "dashboard.ipynb")),
            *("--Voila.ip=127.0.0.1", f"--port={port}"),
        ],
        env={
            **os.environ,
            "FINANCEOPS_URL": server,
            "JUPYTER_PATH": str(ROOT / "financeops/dashboard"),
        },
        stderr=subprocess.DEVNULL,
    )
    with ended(process):
        url = f"http://127.0.0.1:{port}"
        while True:
            try:
                urlopen(f"{url}/voila/static/voila.js").close()
                break
            except URLError:
                time.sleep(0.1)
        yield url, psutil.Process(process.pid)


def seconds_to_figures(browser, url):
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(FIGURES).wait_for(timeout=60_000)
    return time.perf_counter() - began


def mib(process, kind="Pss"):
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{kind}:\s+(\d+)", text, re.MULTILINE)[1]) / 1024


def kernels_of(voila):
    """Return its kernels, and what else belongs to it: itself and the warm parent."""
    others, kernels = [voila], []
    for process in voila.children(recursive=True):
        name = " ".join(process.cmdline())
        is_fork = "warm_parent" in name and process.parent() != voila
        (kernels if is_fork or "ipykernel" in name else others).append(process)
    return kernels, others


def wait_for_kernels(voila, number):
    deadline = time.monotonic() + 60
    while len(kernels_of(voila)[0]) < number and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)  # they build their pages


def measure(name, command, server, browser, viewers):
    with served(command, server) as (url, voila):
        cold = seconds_to_figures(browser, url)
        times = []
        for number in range(1, viewers):
            wait_for_kernels(voila, number + POOL)
            times.append(seconds_to_figures(browser, url))
        wait_for_kernels(voila, viewers + POOL)
        kernels, others = kernels_of(voila)
        each = sum(map(mib, kernels)) / len(kernels)
        own = sum(mib(kernel, "Private_Dirty") for kernel in kernels) / len(kernels)
        around = sum(map(mib, others))
        for context in browser.contexts:
            context.close()
    # Another kernel costs only its own memory; what is shared is loaded already.
    fits = int((GIB - around - len(kernels) * (each - own)) / own)
    print(
        f"{name:<9} PSS of a kernel {each:5.1f} MiB, its own {own:5.1f}; Voilà and parent {around:5.1f}; "
        f"in 1 GiB: {int(GIB / each)} kernels, {fits} with everything; "
        f"first figures cold {cold:.2f} s, warm {median(times):.2f} s",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=5)
    viewers = parser.parse_args().viewers
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with embedded_database() as uri, running_server(uri) as server, sync_playwright() as playwright:
        urlopen(Request(f"{server}/payments/seed?count=2000&days=30", method="POST")).close()
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        measure("ordinary", PLAIN, server, browser, viewers)
        measure("forked", ("financeops.dashboard.serve",), server, browser, viewers)
        browser.close()


if __name__ == "__main__":
    main()
