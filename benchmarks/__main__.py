"""Run all benchmarks, or the named ones: ``python -m benchmarks intake reads``."""

import argparse
import subprocess
import sys

NAMES = ["simulate", "frames", "intake", "loading", "reads", "fanout", "viewers", "dashboard"]
NAMES += ["description"]  # measures correctness, not speed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}, only {', '.join(NAMES)}")
    # Each in a process of its own, so that none inherits the memory of another.
    codes = []
    for name in names:
        print(f"\n=== {name}", flush=True)
        codes.append(
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        )
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
