"""Files of one table of which only some are open at once. What they hold may not enter.

A process may have so many files open (ulimit -n: often 1,024, on macOS 256), and a mapped one counts twice; datasets
come in more. One that is opened again is still the one it was, of the size it had.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path

from .._blobs import Blob, Slice, blob_of
from .._errors import FormatError

_MOST = 48


class OpenFiles:
    """Opens local files, and closes the ones that were not asked for for longest; any thread may ask.

    Errors do not name the file: whoever reads it does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, Blob] = OrderedDict()
        self._known: dict[Path, tuple[int, int, int]] = {}  # device, inode, size

    def blob(self, path: Path) -> Blob:
        """Give the bytes of a file; they are there for as long as they are held.

        Raises: OSError; FormatError for a file that is no longer the one that was opened first.
        """
        with self._lock:
            found = self._open.pop(path, None)
            if found is None:
                found = self._as_known(path, blob_of(path))
            self._open[path] = found
            while len(self._open) > _MOST:
                self._open.popitem(last=False)
            return found

    def close(self) -> None:
        """Let go of all; one that is asked for is opened again."""
        with self._lock:
            self._open.clear()

    def _as_known(self, path: Path, blob: Blob) -> Blob:
        status = os.stat(path)
        *same, size = self._known.setdefault(path, (status.st_dev, status.st_ino, blob.size))
        if same != [status.st_dev, status.st_ino] or blob.size < size:
            what = "is shorter" if same == [status.st_dev, status.st_ino] else "is another file"
            raise FormatError(f"it {what} than it was when it was opened; open it anew")
        return blob if blob.size == size else Slice(blob, 0, size, blob.name)
