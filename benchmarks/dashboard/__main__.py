"""Measure the time from an event to the pixel, with real database, server, Voilà and Chromium.

    python -m benchmarks.dashboard [--rates 1,50,200,1000] [--seconds 20] [--visits 5] [--hour 36000]

Print the time to the first figures, the time of events from commit to screen and its cost at each
rate, and whether an hour's worth of events leaves memory behind. Stop when done.
"""

import argparse
import asyncio
import os
import tempfile
import time
from statistics import median

import psutil

from benchmarks.dashboard import running
from benchmarks.dashboard.load import Load
from benchmarks.dashboard.viewer import Viewer, browser, processes
from benchmarks.processes import embedded_database, running_server

FIRST_FIGURES = 2.0  # budgets: seconds, milliseconds, % of a core, repaints per second
EVENT_TO_PIXEL = 200
KERNEL = 15
REPAINTS = 8
BUDGET_RATE = 200
MIB = 2**20


async def main(options):
    print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with (
        tempfile.TemporaryDirectory() as logs,
        embedded_database() as uri,
        running_server(uri) as server_url,
    ):
        async with Load(server_url) as load, browser() as chromium:
            await load.count(1_000)
            async with running.dashboard(logs, server_url, warm=False) as (url, _):
                await visits("cold", chromium, url, options.visits)
            async with running.dashboard(logs, server_url) as (url, web):
                await visits("warm", chromium, url, options.visits, web)
                async with Viewer.opened(chromium, url) as viewer:
                    kernel = await running.only_follower(web, server_url)
                    print_rate_head()
                    for rate in options.rates:
                        await measure(rate, options.seconds, load, viewer, kernel=kernel, web=web)
                    await replay(options.hour, load, viewer, kernel)
    print(f"load average after: {os.getloadavg()[0]:.2f}")


async def visits(kind, chromium, url, count, web=None):
    """Measure the time until a new visitor sees figures."""
    seconds = []
    for _ in range(count):
        if web is not None:
            await until_idle(web)  # until the next kernel is ready
        async with Viewer.opened(chromium, url) as viewer:
            seconds.append(await viewer.first_figures())
    middle = median(seconds)
    ratio = f"{middle / FIRST_FIGURES:.2f} of the budget" if kind == "warm" else "no budget"
    each = " ".join(f"{second:.2f}" for second in seconds)
    print(f"first figures, {kind}: median {middle:.2f} s ({ratio}); {each}")


async def until_idle(process):
    """Wait until a process and its descendants have used hardly any processor time for a second."""
    before = None
    while True:
        used = cpu([process, *process.children(recursive=True)])
        if before is not None and 0 <= used - before < 0.15:
            return
        before = used
        await asyncio.sleep(1)


def print_rate_head():
    print(
        f"\n{'events/s':>8} {'taken':>6} | {'commit to pixel, ms':^22} | {'answer to pixel':^15} |"
        f" {'badge':>7} | {'repaints/s':>10} | {'CPU, % of a core':^23}"
    )
    print(
        f"{'':8} {'':6} | {'p50':>6} {'p95':>7} {'max':>7} | {'p50':>7} {'p95':>7} | {'':7} | {'':10} |"
        f" {'kernel':>7} {'web':>7} {'browser':>7}"
    )


async def measure(rate, seconds, load, viewer, *, kernel, web):
    """Print one line of the table, and below it the ratios to the budgets."""
    base = await load.volume()
    await viewer.until_volume(base)
    load.forget()
    await viewer.forget()
    groups = {"kernel": [kernel], "web": [web], "browser": processes()}
    before, start = {name: cpu(group) for name, group in groups.items()}, time.monotonic()
    taken = await load.at_rate(rate, seconds)
    badge = await viewer.lag()
    elapsed = time.monotonic() - start
    used = {name: 100 * (cpu(g) - before[name]) / elapsed for name, g in groups.items()}
    await viewer.until_volume(await load.volume())
    noted, commits = await viewer.volumes(), await load.commits()
    from_commit, from_answer = latencies(base, noted, commits)
    repaints = len(noted) / elapsed
    p50, p95 = quantile(from_commit, 0.5), quantile(from_commit, 0.95)
    print(
        f"{rate:8,} {taken:6.0f} | {p50:6.0f} {p95:7.0f} {from_commit[-1]:7.0f} |"
        f" {quantile(from_answer, 0.5):7.0f} {quantile(from_answer, 0.95):7.0f} | {badge:>7} |"
        f" {repaints:10.1f} | {used['kernel']:7.1f} {used['web']:7.1f} {used['browser']:7.1f}"
    )
    if rate == BUDGET_RATE:
        acknowledged = quantile(from_answer, 0.95) / EVENT_TO_PIXEL
        print(
            f"{'of the budget':>15} | {'':6} {p95 / EVENT_TO_PIXEL:7.2f} {'':7} |"
            f" {'':7} {acknowledged:7.2f} | {'':7} |"
            f" {repaints / REPAINTS:10.2f} | {used['kernel'] / KERNEL:7.2f}"
        )


def latencies(base, noted, commits):
    """Return the milliseconds from commit, and from answer, to the pixel, of each success, sorted.

    The n-th success is on the screen with the first volume of at least `base` + n cents.
    """
    from_commit, from_answer = [], []
    shown = iter(sorted(noted))
    volume, _, drawn = next(shown)
    for number, (committed, answered) in enumerate(commits, 1):
        while volume < base + number:
            volume, _, drawn = next(shown)
        from_commit.append(1000 * (drawn - committed))
        from_answer.append(1000 * (drawn - answered))
    return sorted(from_commit), sorted(from_answer)


async def replay(count, load, viewer, kernel):
    """Send many events as fast as the server takes them, and measure what they leave behind."""
    print(f"\n{count:,} events as fast as they are taken (10/s make an hour's worth of 36,000)")
    print(f"{'events':>8} {'kernel PSS':>11} {'kernel RSS':>11} {'JS heap':>8} {'nodes':>7}   MiB")
    # Afterwards whatever fills up once and stays (the feed, the caches) is full.
    await load.count(3_000)
    await viewer.until_volume(await load.volume())
    await say_memory(0, viewer, kernel)
    start = time.monotonic()
    for quarter in range(1, 5):
        await load.count(count // 4)
        load.forget()
        await viewer.until_volume(await load.volume())
        await viewer.forget()
        await say_memory(quarter * (count // 4), viewer, kernel)
    print(f"in {time.monotonic() - start:.0f} s, every figure exact at each line")


async def say_memory(count, viewer, kernel):
    heap, nodes = await viewer.memory()
    memory = kernel.memory_full_info()
    print(
        f"{count:8,} {memory.pss / MIB:11.1f} {memory.rss / MIB:11.1f} {heap / MIB:8.1f} {nodes:7,}"
    )


def cpu(group):
    """Return the seconds of processor time that processes have used; ended ones no longer count."""
    used = 0.0
    for process in group:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rates",
        type=lambda text: [int(rate) for rate in text.split(",")],
        default=[1, 50, 200, 1000],
        help="events per second, separated by commas",
    )
    parser.add_argument("--seconds", type=int, default=20, help="for each rate")
    parser.add_argument("--visits", type=int, default=5, help="page loads, warm and cold each")
    parser.add_argument("--hour", type=int, default=36_000, help="events of the replay")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(parse()))
