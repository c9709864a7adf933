"""The files of a Zarr folder, wherever it lies, and never a file outside it. What is in them may not enter.

Local files are read without being mapped: there is one for each chunk, and most are read whole, once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob, blob_of, check_range
from .._protocols import Place

_MOST_AT_ONCE = 1 << 30  # bytes that one system call is asked for
_MOST_THREADS = 8


def real(root: Place) -> Place:
    """Give the folder that a path leads to, by whatever links; below it none is followed out of it."""
    return Path(os.path.realpath(root)) if isinstance(root, Path) else root


@contextmanager
def opened(path: Place, root: Place, *, whole: bool = False) -> Iterator[Blob]:
    """Open a file; whole: all of it will be read.

    Raises: ValueError for what is no file, or leads out of the root; FileNotFoundError.
    """
    if not isinstance(path, Path):
        yield blob_of(path, whole=whole)
        return
    actual = os.path.realpath(path)
    if not actual.startswith(str(root) + os.sep):
        raise ValueError(f"a symbolic link leads out of the folder, to {actual!r}")
    fd = os.open(actual, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no ordinary file")
        yield _Open(fd, str(path), status.st_size)
    finally:
        os.close(fd)


def folders_with(folder: Place, marker: str) -> list[str]:
    """Name the folders in a folder that have a file of this name; links to others do not count."""
    if isinstance(folder, Path):
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        return [name for name in names if os.path.lexists(folder / name / marker)]
    names = sorted(one.name for one in folder.iterdir() if one.is_dir())
    with ThreadPoolExecutor(_MOST_THREADS) as threads:
        have = threads.map(lambda name: (folder / name / marker).is_file(), names)
        return [name for name, has in zip(names, have, strict=True) if has]


class _Open:
    """A local file that is open, and is read into fresh memory."""

    mapped = False

    def __init__(self, fd: int, name: str, size: int) -> None:
        self._fd, self.name, self.size = fd, name, size

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Read a range."""
        check_range(self, start, stop)
        target = np.empty(stop - start, np.uint8)
        self.read_into(start, target)
        return target

    def read_into(self, start: int, target: NDArray[np.uint8]) -> None:
        """Read a range to where it belongs.

        Raises: ValueError if the file ends too early.
        """
        done = 0
        while done < target.size:
            count = os.preadv(self._fd, [target[done : done + _MOST_AT_ONCE].data], start + done)
            if not count:
                raise ValueError(f"it ends {target.size - done} bytes too early")
            done += count

    def release(self) -> None:
        """Do nothing: no memory mirrors the file."""
