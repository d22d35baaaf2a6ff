"""The server with a clock of the test's: `python -m tests.clocked FILE`, which holds the present moment.

Its clock stands still until the file is replaced. Everything else is as customers start it.
"""

import sys
from datetime import datetime
from pathlib import Path

from server.__main__ import main


def clock(file: Path):
    """A clock that shows what the file says."""
    return lambda: datetime.fromisoformat(file.read_text(encoding="ascii"))


def set_clock(file: Path, moment: datetime) -> None:
    """Have the clocks of all servers with this file show a moment."""
    written = file.with_suffix(".new")
    written.write_text(moment.isoformat(), encoding="ascii")
    written.replace(file)


if __name__ == "__main__":
    sys.exit(main(now=clock(Path(sys.argv[1]))))
