"""Opening the dashboard: seconds until it can be read and is live, and what it weighs, at a first visit and the next.

    python -m benchmarks.dashboard.opening [--runs 5]

In a real browser on this machine's network and on those that it pretends to have; medians beside the budgets, and the
browser's own account of painting. Stops by itself.
"""

import argparse
import asyncio
import os
import tempfile
from collections import Counter
from statistics import median

import psutil

from benchmarks.dashboard import running
from benchmarks.dashboard.load import Load
from benchmarks.dashboard.viewer import WATCH, somebody
from benchmarks.processes import embedded_database, running_server

NETWORKS = {"this machine's": None, "4G": (9_000, 60), "slow 4G": (1_600, 150)}
"""Kilobits a second and milliseconds of each answer."""
VISITS = ("first", "next")
BUDGETS = {
    "this machine's": ((0.4, 0.3), (1.5, 1.2), (1_600, 60)),
    "4G": ((1.2, 0.8), (3.5, 1.8), (None, None)),
    "slow 4G": ((2.5, 1.5), (12.0, 3.0), (None, None)),
}
"""Seconds until figures are readable, seconds until they are live, kilobytes: at the first visit and the next."""
COUNTS = {"fcp s": ".2f", "lcp s": ".2f", "shift": ".3f", "blocked s": ".2f"}
COUNTS |= {"asked": ".0f", "sent": ".0f", "cpu s": ".2f"}
"""What stands beside: first and largest contentful paint, layout shift, total blocking time; requests, those that were
answered by the server; processor time of all."""


async def main(options):
    print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    budgeted = "".join(f"{name:>8} (budget)" for name in ("readable", "live", "kB"))
    print(f"{'network':>15} {'visit':>6}{budgeted} |" + "".join(f"{name:>10}" for name in COUNTS))
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
                for at, (which, same) in enumerate(
                    zip(VISITS, zip(*runs, strict=True), strict=True)
                ):
                    seen = {key: median(each[key] for each in same) for key in same[0]}
                    print(
                        f"{name:>15} {which:>6}" + row(seen, [each[at] for each in BUDGETS[name]])
                    )
    print(f"load average after: {os.getloadavg()[0]:.2f}")


def row(seen, budgets):
    """What was seen, each figure that has a budget with its share of it."""
    figures = zip(("readable", "live", "kB"), (".2f", ".2f", ",.0f"), budgets, strict=True)
    shares = (
        f"{seen[name]:>8{form}} "
        + (f"({seen[name] / budget:5.0%})".rjust(8) if budget else " " * 8)
        for name, form, budget in figures
    )
    return (
        "".join(shares) + " |" + "".join(f"{seen[name]:>10{form}}" for name, form in COUNTS.items())
    )


async def visits(url, web, network):
    """The first and the next visit of somebody."""
    with tempfile.TemporaryDirectory() as profile:
        async with somebody(profile) as window:
            return [await visit(window, url, web, network) for _ in VISITS]


async def visit(window, url, web, network):
    """One opening of the page, until it is live and all is quiet again; return what was seen by name."""
    await until_quiet(web)
    page = await window.new_page()
    await page.goto("data:text/html,<p>Somebody's browser runs already.")
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    await page.add_init_script(WATCH)
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
    before = used()
    await page.goto(url, wait_until="commit")
    await page.wait_for_function("__seen.live?.[2]", timeout=120_000)
    sizes = [came[number] for number in asked]
    await until_quiet(web)
    took = used() - before
    painted = await page.evaluate("__seen.painted()")
    readable, live = await page.evaluate("[__seen.volumes[0][2], __seen.live[2]]")
    await page.close()
    return {
        "readable": readable / 1000,
        "live": live / 1000,
        "kB": sum(sizes) / 1000,
        "asked": len(asked),
        "sent": sum(size > 0 for size in sizes),
        "cpu s": took,
        **painted,
    }


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
