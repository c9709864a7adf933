"""The bytes of a file, read by range: as views where the file is mapped into memory. No file format may enter."""

from __future__ import annotations

import mmap
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

    def release(self) -> None:
        """Let go of memory that mirrors the file; what was read stays valid, and may be read anew when looked at."""


class Mapped:
    """A local file, mapped into memory: what is read of it is a view, and costs nothing until it is looked at."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._data: NDArray[Any] = np.empty(0, np.uint8)
        self._map: mmap.mmap | None = None
        with path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            if self.size:  # no file of 0 bytes can be mapped
                self._map = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_READ)
                self._data = read_only(np.frombuffer(self._map, np.uint8))

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range."""
        check_range(self, start, stop)
        return self._data[start:stop]

    def release(self) -> None:
        """Take the file's pages out of the process; one that is looked at again comes back from the system's cache."""
        if self._map is not None and hasattr(self._map, "madvise"):  # Windows has none
            self._map.madvise(mmap.MADV_DONTNEED)


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

    def release(self) -> None:
        """Let go of memory that mirrors the other blob."""
        self._blob.release()


class Trail:
    """Keeps account of what was read of some blobs, and lets go of it now and then.

    Pages of a mapped file count as memory of the process for as long as they are mapped, read or not: a stream of reads
    would take as much as the file has.
    """

    def __init__(self, most_bytes: int = 16 << 20) -> None:
        self._most_bytes, self._nbytes = most_bytes, 0
        self._blobs: dict[int, Blob] = {}

    def passed(self, blob: Blob, nbytes: int) -> None:
        """Say that so many bytes of a blob were read."""
        self._blobs[id(blob)] = blob
        self._nbytes += nbytes
        if self._nbytes >= self._most_bytes:
            blobs, self._blobs, self._nbytes = self._blobs, {}, 0
            for one in blobs.values():
                one.release()


class Held:
    """Bytes that are in memory: what was unpacked of an archive."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name, self.size = name, len(data)
        self._data = np.frombuffer(data, np.uint8)

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range."""
        check_range(self, start, stop)
        return self._data[start:stop]

    def release(self) -> None:
        """Keep the bytes: nothing else has them."""


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
