"""Notes what a kernel is doing, every two milliseconds of its processor time; the first cell of its notebook.

SIGUSR1 begins, SIGUSR2 ends and writes a JSON list of stacks and how often each was seen, to SAMPLES.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path

_EVERY = 0.002
_seen = Counter()


def _begin(*_):
    _seen.clear()
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)


def _note(_number, frame):
    stack = []
    while frame is not None:
        code = frame.f_code
        stack.append(f"{code.co_qualname} {'/'.join(Path(code.co_filename).parts[-2:])}")
        frame = frame.f_back
    _seen[tuple(reversed(stack))] += 1


def _end(*_):
    signal.setitimer(signal.ITIMER_PROF, 0)
    whole = Path(os.environ["SAMPLES"])
    part = whole.with_suffix(".part")
    part.write_text(json.dumps(list(_seen.items())), encoding="utf-8")
    part.rename(whole)


signal.signal(signal.SIGPROF, _note)
signal.signal(signal.SIGUSR1, _begin)
signal.signal(signal.SIGUSR2, _end)
