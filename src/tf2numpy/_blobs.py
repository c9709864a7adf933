"""The bytes of a file, read by range: as views where the file is mapped into memory. No file format may enter."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ._errors import FormatError
from ._host import read_only


class Blob(Protocol):
    """Bytes that can be read by range. name: as messages show it. size: in bytes."""

    name: str
    size: int

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Give the bytes from start to stop, read-only; valid for as long as the array is alive.

        Raises: FormatError for a range that is not within the file.
        """


class Mapped:
    """A local file, mapped into memory: what is read of it is a view, and costs nothing until it is looked at."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.size = path.stat().st_size
        self._data: NDArray[Any] = np.empty(0, np.uint8)
        if self.size:  # no file of 0 bytes can be mapped
            self._data = read_only(np.asarray(np.memmap(path, np.uint8, "r")))

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range."""
        check_range(self, start, stop)
        return self._data[start:stop]


class Slice:
    """A range of another blob: a file within an archive."""

    def __init__(self, blob: Blob, start: int, stop: int, name: str) -> None:
        check_range(blob, start, stop)
        self.name, self.size = name, stop - start
        self._blob, self._start = blob, start

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Read a range within the range."""
        check_range(self, start, stop)
        return self._blob.read(self._start + start, self._start + stop)


def blob_of(path: Path) -> Blob:
    """Give the bytes of a file.

    Raises: FileNotFoundError, or another OSError that says why it cannot be read.
    """
    return Mapped(path)


def check_range(blob: Blob, start: int, stop: int) -> None:
    """Refuse a range that is not within a blob.

    Raises: FormatError.
    """
    if not 0 <= start <= stop <= blob.size:
        raise FormatError(f"{blob.name!r} ends at {blob.size}, and bytes {start} to {stop} of it are needed")
