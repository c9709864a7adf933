"""The bytes of a file, read by range: as views where the file is mapped into memory. No file format may enter."""

from __future__ import annotations

import io
import os
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


class Held:
    """Bytes that are in memory: what was unpacked of an archive."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name, self.size = name, len(data)
        self._data = np.frombuffer(data, np.uint8)

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range."""
        check_range(self, start, stop)
        return self._data[start:stop]


class BlobFile(io.RawIOBase):
    """A blob as a file object, for libraries that read through one. It ends where the blob ends."""

    def __init__(self, blob: Blob) -> None:
        self._blob, self._at = blob, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read in any order."""
        return True

    def tell(self) -> int:
        """Give the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a position, beyond the end as well, as in any file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._blob.size}[whence]
        if base + offset < 0:
            raise ValueError(f"byte {base + offset} of {self._blob.name!r} was asked for")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Copy bytes, as many as there are and as fit."""
        target = memoryview(buffer).cast("B")
        stop = min(self._at + len(target), self._blob.size)
        count = max(0, stop - self._at)
        if count:
            target[:count] = self._blob.read(self._at, stop).data
        self._at += count
        return count


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
