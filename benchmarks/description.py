"""Drive the API from its own description for five minutes: ``python -m benchmarks.description``.

Each run generates different requests; the seed printed at the end repeats them.
"""

import argparse
import sys
import tempfile

import httpx

from benchmarks.processes import embedded_database, running_server
from tests.description import drive


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, help="repeat the requests of the run with this seed")
    asked = parser.parse_args()
    with (
        embedded_database() as uri,
        running_server(uri) as url,
        tempfile.TemporaryDirectory() as directory,
    ):
        httpx.post(f"{url}/payments/seed", params={"count": 300}, timeout=300).raise_for_status()
        run = drive(url, seconds=asked.seconds, directory=directory, seed=asked.seed)
    print(run.stdout)
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
