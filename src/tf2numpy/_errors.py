"""The errors, as one tree. Nothing but exception classes may enter this file.

Tf2NumpyError
├── UnsupportedKind        (TypeError)       this value has no NumPy form
├── SymbolicTensorError    (TypeError)       this tensor has no value yet: it stands in a graph
├── CopyRequired           (ValueError)      copy=False was asked where no view can exist
├── InvalidArgument        (ValueError)      an option does not fit the value or another option
├── DatasetError           (ValueError)      this dataset cannot be collected as it is
├── FormatError            (ValueError)      this file format cannot hold that value
├── HostMemoryError        (MemoryError)     the host has too little free memory
├── DeviceMemoryError      (MemoryError)     the device could not cut even one row
├── OutputExists           (FileExistsError) the destination is there already
├── OutputBusy             (BlockingIOError) someone is writing the destination already
├── StorageFull            (OSError)         the file system is, or would become, full
├── StoreError             (OSError)         an object store or a server did not give what it was asked for
├── VerifyError            (OSError)         a finished file does not give back what was written to it
└── MissingExtra           (ImportError)     an optional library is not installed
"""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Any


class Tf2NumpyError(Exception):
    """Base of every error this package raises on purpose.

    `where` is the path of the leaf inside a nested structure, empty for a value given alone.
    """

    where: str = ""

    def __str__(self) -> str:
        message = super().__str__()
        return f"at {self.where}: {message}" if self.where else message


class UnsupportedKind(Tf2NumpyError, TypeError):
    """The value is of a kind that has no NumPy form."""


class SymbolicTensorError(Tf2NumpyError, TypeError):
    """The tensor stands for a value that does not exist yet."""

    # AutoGraph raises an error again by its own type only if the type is constructed just as Exception is;
    # any other reaches the caller of a tf.function as a StagingError.
    __init__ = Exception.__init__


class CopyRequired(Tf2NumpyError, ValueError):
    """`copy=False` was asked, and no view can exist."""


class InvalidArgument(Tf2NumpyError, ValueError):
    """An option does not fit the value, or contradicts another option."""


class DatasetError(Tf2NumpyError, ValueError):
    """The dataset cannot be collected as it is."""


class FormatError(Tf2NumpyError, ValueError):
    """The file format cannot hold the value, or the suffix names no known format."""


class ChecksumError(FormatError):
    """The bytes in a file are not those that its checksum was taken of."""


class HostMemoryError(Tf2NumpyError, MemoryError):
    """The result does not fit into the memory that is free on the host."""


class DeviceMemoryError(Tf2NumpyError, MemoryError):
    """The device has no room to cut even one row out of the tensor."""


class OutputExists(Tf2NumpyError, FileExistsError):
    """The destination exists and `overwrite=True` was not given."""

    errno = errno.EEXIST


class OutputBusy(Tf2NumpyError, BlockingIOError):
    """Another call, in this process or another, is writing the same destination."""

    errno = errno.EWOULDBLOCK


class StorageFull(Tf2NumpyError, OSError):
    """The file system that holds the destination has too little room."""

    errno = errno.ENOSPC


class StoreError(Tf2NumpyError, OSError):
    """An object store or an HTTP server could not be reached, or did not give what it was asked for."""

    errno = errno.EIO


class VerifyError(Tf2NumpyError, OSError):
    """What a finished file gives back is not what was written to it."""

    errno = errno.EIO


class MissingExtra(Tf2NumpyError, ImportError):
    """An optional library is needed for this and is not installed."""


class NotAsStated(Exception):
    """Rows are not what their source took for granted; never leaves this package.

    Whoever reads them has the source rely on it no longer, `distrust`, and reads them again from the first.
    """

    def __init__(self, leaf: Any, *words: str) -> None:
        super().__init__(*words)
        self.leaf = leaf


class at_leaf:  # noqa: N801
    """Name the leaf of a nested structure in whatever error leaves the block; "" names none.

    Our own errors carry the path in their message; foreign ones get it as a note. It is entered for each leaf of
    thousands, which `contextlib.contextmanager` would make four times as slow.
    """

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._path:
            return
        if isinstance(error, Tf2NumpyError):
            inside = error.where
            parts = (self._path, inside)
            error.where = self._path + inside[1:] if inside.startswith("x") else ", ".join(filter(None, parts))
        elif isinstance(error, Exception):
            error.add_note(f"at {self._path}")
