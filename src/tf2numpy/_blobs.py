"""The bytes of a file, read by range: as views where the file is mapped into memory. No file format may enter."""

from __future__ import annotations

import errno
import functools
import mmap
import os
import stat
import threading
import weakref
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ._errors import FormatError, HostMemoryError
from ._host import read_only
from ._protocols import Place

# Windows must not change line ends; a pipe must not wait for whoever writes to it.
_OPENING = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class Blob(Protocol):
    """Bytes that can be read by range.

    name: as messages show it. size: in bytes. mapped: what is read is a view of memory, so that reading costs nothing
    until it is looked at; otherwise it is fetched from elsewhere.
    """

    name: str
    size: int
    mapped: bool

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Give the bytes from start to stop, read-only; valid for as long as the array is alive.

        Raises: FormatError for a range that is not within the file.
        """

    def read_into(self, start: int, target: NDArray[np.uint8]) -> None:
        """Fill a flat array with the bytes from start on.

        Raises: as `read`.
        """

    def release(self) -> None:
        """Let go of memory that mirrors the file; what was read stays valid, and may be read anew when looked at."""


class Mapped:
    """A local file, mapped into memory: what is read of it is a view, and costs nothing until it is looked at."""

    mapped = True

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._file = os.open(path, os.O_RDONLY | _OPENING)
        weakref.finalize(self, os.close, self._file)
        status = os.fstat(self._file)
        self.size = status.st_size
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self.name)
        if not stat.S_ISREG(status.st_mode):
            raise FormatError(
                f"{self.name!r} is a pipe or a device, which cannot be read by range; copy what it gives into a file"
            )

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range."""
        check_range(self, start, stop)
        return self._data[start:stop]

    def read_into(self, start: int, target: NDArray[np.uint8]) -> None:
        """Have the system copy a range to its place: the file's pages are never mapped then."""
        check_range(self, start, start + len(target))
        if not hasattr(os, "preadv"):  # Windows
            target[:] = self._data[start : start + len(target)]
            return
        done = 0
        while done < len(target):
            count = os.preadv(self._file, [target[done:].data], start + done)
            if not count:
                raise FormatError(f"{self.name!r} ended at {start + done} while it was read, and had {self.size} bytes")
            done += count

    def release(self) -> None:
        """Take the file's pages out of the process; one that is looked at again comes back from the system's cache."""
        if self._map is not None and hasattr(self._map, "madvise"):  # Windows has none
            self._map.madvise(mmap.MADV_DONTNEED)

    @functools.cached_property
    def _map(self) -> mmap.mmap | None:
        if not self.size:  # no file of 0 bytes can be mapped
            return None
        try:
            return mmap.mmap(self._file, self.size, access=mmap.ACCESS_READ)
        except OSError as error:
            if error.errno != errno.ENOMEM:
                raise
            raise HostMemoryError(
                f"{self.name!r} has {self.size} bytes, and this process may not map as many: it costs no memory, but "
                "addresses, which are limited (ulimit -v shows by how much); raise the limit"
            ) from error

    @functools.cached_property
    def _data(self) -> NDArray[Any]:
        return np.empty(0, np.uint8) if self._map is None else read_only(np.frombuffer(self._map, np.uint8))


class Held:
    """Bytes in memory: a member that was unpacked, or none at all."""

    mapped = True

    def __init__(self, data: bytes, name: str) -> None:
        self.name, self.size = name, len(data)
        self._data = np.frombuffer(data, np.uint8)

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range."""
        check_range(self, start, stop)
        return self._data[start:stop]

    def read_into(self, start: int, target: NDArray[np.uint8]) -> None:
        """Copy a range."""
        target[:] = self.read(start, start + len(target))

    def release(self) -> None:
        """Keep the bytes: they mirror no file."""


NOTHING: Blob = Held(b"", "nothing")


class Slice:
    """A range of another blob: a file within an archive."""

    def __init__(self, blob: Blob, start: int, stop: int, name: str) -> None:
        check_range(blob, start, stop)
        self.name, self.size, self.mapped = name, stop - start, blob.mapped
        self._blob, self._start = blob, start

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Read a range within the range."""
        check_range(self, start, stop)
        return self._blob.read(self._start + start, self._start + stop)

    def read_into(self, start: int, target: NDArray[np.uint8]) -> None:
        """Copy a range within the range."""
        check_range(self, start, start + len(target))
        self._blob.read_into(self._start + start, target)

    def release(self) -> None:
        """Let go of memory that mirrors the other blob."""
        self._blob.release()


_MOST_BLOBS = 16  # they are held open


class Trail:
    """Keeps account of what was read of some blobs, and lets go of it now and then.

    Pages of a mapped file count as memory of the process for as long as they are mapped, read or not: a stream of reads
    would take as much as the file has.
    """

    def __init__(self, most_bytes: int = 16 << 20) -> None:
        self._most_bytes, self._nbytes = most_bytes, 0
        self._blobs: dict[int, Blob] = {}
        self._lock = threading.Lock()

    def passed(self, blob: Blob, nbytes: int) -> None:
        """Say that so many bytes of a blob were read; from any thread."""
        with self._lock:
            self._blobs[id(blob)] = blob
            self._nbytes += nbytes
            if self._nbytes < self._most_bytes and len(self._blobs) < _MOST_BLOBS:
                return
            blobs, self._blobs, self._nbytes = self._blobs, {}, 0
        for one in blobs.values():
            one.release()


class Remote(Place, Protocol):
    """A place that is not local, and so brings its own way to its bytes."""

    def blob(self, *, whole: bool) -> Blob:
        """Give the bytes of the file there; whole: all of them will be read, once."""


def blob_of(path: Place, *, whole: bool = False) -> Blob:
    """Give the bytes of a file; whole: all of them will be read, once, so that they are best fetched together.

    Raises: FileNotFoundError, or another OSError that says why it cannot be read.
    """
    return Mapped(path) if isinstance(path, Path) else cast(Remote, path).blob(whole=whole)


def check_range(blob: Blob, start: int, stop: int) -> None:
    """Refuse a range that is not within a blob.

    Raises: FormatError.
    """
    if not 0 <= start <= stop <= blob.size:
        raise FormatError(f"{blob.name!r} ends at {blob.size}, and bytes {start} to {stop} of it are needed")
