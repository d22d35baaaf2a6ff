"""The server with a clock set by a test: `python -m tests.clocked FILE`, which holds the time.

Its clock stands still until the file is replaced. Everything else is as customers start it.
"""

import sys
from datetime import datetime
from pathlib import Path

from server.__main__ import main


def clock(file: Path):
    """A clock that shows the time in the file."""
    return lambda: datetime.fromisoformat(file.read_text(encoding="ascii"))


def set_clock(file: Path, moment: datetime) -> None:
    """Set the clocks of all servers with this file to a moment."""
    written = file.with_suffix(".new")
    written.write_text(moment.isoformat(), encoding="ascii")
    written.replace(file)


if __name__ == "__main__":
    sys.exit(main(now=clock(Path(sys.argv[1]))))
