"""What it may take to read one damaged file: seconds of the processor, and memory. No format may enter."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Of the processor: a machine that does other things besides delays nothing that this counts. Coverage takes three
# times as long itself.
MOST_SECONDS = 6 if sys.gettrace() else 2
MOST_RATIO, FREE_BYTES = 10, 64 << 20

_STATUS, _PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class TooLong(BaseException):
    """Raised where the time is over: nothing that a parser catches."""


@contextmanager
def limited(nbytes: int, what: str) -> Iterator[None]:
    """Fail the test where the block takes too long, or too much memory for a file of `nbytes`.

    what: said then, to find the input again. Where the kernel does not count a process's peak, memory stays uncounted.
    """

    def stop(number: int, frame: object) -> None:
        raise TooLong(f"{what}: more than {MOST_SECONDS} s")

    before = _begin_peak()
    begun, handler = time.process_time(), signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
    assert time.process_time() - begun < MOST_SECONDS, f"{what}: {time.process_time() - begun:.1f} s"
    if before:
        grown = _status("VmHWM") - before
        assert grown < MOST_RATIO * nbytes + FREE_BYTES, f"{what}: {grown >> 20} MiB for a file of {nbytes} bytes"


def _begin_peak() -> int:
    """Have the kernel count the peak from here on; give the bytes that are in memory, 0 if it does not."""
    try:
        _PEAK.write_bytes(b"5")
        return _status("VmRSS")
    except OSError:
        return 0


def _status(field: str) -> int:
    text = _STATUS.read_bytes()
    return int(text[text.index(field.encode()) + len(field) + 1 :].split(None, 1)[0]) * 1024
