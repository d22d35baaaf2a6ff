"""Opening the dashboard: bytes, requests, seconds and processor time, at a first visit and at the next one.

    python -m benchmarks.dashboard.opening [--runs 5]

In a real browser on this machine's network and on those that it pretends to have; medians. Stops by itself.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from statistics import median

import psutil

from benchmarks.dashboard import running
from benchmarks.dashboard.load import Load
from benchmarks.dashboard.viewer import somebody
from benchmarks.processes import embedded_database, running_server

NETWORKS = {"this machine's": None, "4G": (9_000, 60), "slow 4G": (1_600, 150)}
"""Kilobits a second and milliseconds of each answer."""
WEIGHT = {"first": 1_600_000, "next": 60_000}
"""Budgets, in bytes."""


async def main(options):
    print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    head = f"{'network':>15} {'visit':>6} | {'bytes':>10} {'budget':>6} {'asked':>6} {'sent':>5} | {'live s':>6} | processor s"
    print(head)
    with (
        tempfile.TemporaryDirectory() as logs,
        embedded_database() as uri,
        running_server(uri) as server_url,
    ):
        async with (
            Load(server_url) as load,
            running.dashboard(logs, server_url) as (url, web),
        ):
            await load.count(1_000)
            for name, network in NETWORKS.items():
                runs = [await visits(url, web, network) for _ in range(options.runs)]
                for visit, same in zip(WEIGHT, zip(*runs, strict=True), strict=True):
                    size, asked, sent, live, used = map(median, zip(*same, strict=True))
                    print(
                        f"{name:>15} {visit:>6} | {size:10,.0f} {size / WEIGHT[visit]:6.2f} {asked:6.0f} {sent:5.0f}"
                        f" | {live:6.2f} | {used:6.2f}"
                    )
    print(f"load average after: {os.getloadavg()[0]:.2f}")


async def visits(url, web, network):
    """The first and the next visit of somebody: bytes, requests, those that were answered, seconds, processor time."""
    with tempfile.TemporaryDirectory() as profile:
        async with somebody(profile) as window:
            return [await visit(window, url, web, network) for _ in WEIGHT]


async def visit(window, url, web, network):
    """One opening of the page, until it is live and all is quiet again."""
    await until_quiet(web)
    page = await window.new_page()
    cdp = await window.new_cdp_session(page)
    await cdp.send("Network.enable")
    if network is not None:
        kilobits, latency = network
        rate = kilobits * 1000 / 8
        conditions = {"downloadThroughput": rate, "uploadThroughput": rate, "latency": latency}
        await cdp.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
    asked, came = set(), Counter()

    def ask(event):
        if event["request"]["url"].startswith("http"):
            asked.add(event["requestId"])

    def come(event):
        came[event["requestId"]] += event["encodedDataLength"]

    cdp.on("Network.requestWillBeSent", ask)
    cdp.on("Network.loadingFinished", come)
    before, start = used(), time.monotonic()
    await page.goto(url, wait_until="commit")
    await page.locator("[data-state=live]").wait_for(timeout=120_000)
    live = time.monotonic() - start
    sizes = [came[number] for number in asked]
    await until_quiet(web)
    took = used() - before
    await page.close()
    return sum(sizes), len(asked), sum(size > 0 for size in sizes), live, took


async def until_quiet(web):
    """Return when the next kernel waits: the web server has nothing to do for a second."""
    last = None
    while True:
        now = used_by([web, *web.children(recursive=True)])
        if last is not None and 0 <= now - last < 0.15:
            return
        last = now
        await asyncio.sleep(1)


def used():
    """Seconds of a processor that everything below this process has used: browser, servers, kernels."""
    return used_by(psutil.Process().children(recursive=True))


def used_by(processes):
    seconds = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:  # it ended meanwhile
            continue
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    asyncio.run(main(parser.parse_args()))
