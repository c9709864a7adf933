"""Having the disk begin on what was written, long before it must be durable. Nothing is made durable here."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress

_WRITE = 2  # SYNC_FILE_RANGE_WRITE: begin to write what is not being written yet, and wait for none of it
# So much is worth a call of its own.
WRITEBACK_BYTES = 8 << 20
_Call = Callable[[int, ctypes.c_int64, ctypes.c_int64, int], int]


def begin_writeback(fd: int) -> None:
    """Have what was written to an open file go to the disk from now on, so that a later sync has little left to do.

    Does nothing outside Linux. An error is not told here: the sync that must follow tells of it.
    """
    if _sync_file_range is not None:
        _sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE)


def _found() -> _Call | None:
    if not sys.platform.startswith("linux"):
        return None
    with suppress(OSError, AttributeError):
        call: _Call = ctypes.CDLL(None).sync_file_range
        return call
    return None


_sync_file_range = _found()
