"""An array whose rows are not counted yet, as raw bytes in a file of its own until its place in the output is known.

No file format may enter.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from numpy.typing import NDArray

from .._types import ArraySpec, Index
from .._workspace import Workspace
from ._output_file import OutputFile
from ._runs import pwrite_region

_PIECE_BYTES = 64 << 20
# What a file system or an older kernel answers that cannot copy inside itself.
_NO_RANGES = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class Growing:
    """The rows of one array so far, in C order, in the file `name` of the workspace.

    rows: how many there are.
    """

    def __init__(self, workspace: Workspace, name: str, spec: ArraySpec, *, rows: int | None = None) -> None:
        """Begin an empty file; or go on with the one that is there, after so many rows."""
        self.spec, self.rows = spec, rows or 0
        self._file = OutputFile(workspace, workspace.folder / name, keep=rows is not None)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape so far."""
        return tuple(self.rows if n is None else n for n in self.spec.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the rows so far."""
        return self.rows * self.spec.row_nbytes

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Take the next rows; index: a slice for every axis."""
        pwrite_region(self._file, 0, self.spec.shape, index, value)
        self.rows = index[0].stop

    def sync(self) -> None:
        """Make what was written durable."""
        self._file.sync()

    def append_to(self, output: OutputFile, offset: int) -> None:
        """Copy all rows to a byte offset of the output."""
        copy_range(self._file, 0, self.nbytes, output, offset)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._file.close()


def copy_range(source: OutputFile, at: int, nbytes: int, target: OutputFile, to: int) -> None:
    """Copy bytes from one file to another inside the kernel; some file systems share the blocks.

    Raises: StorageFull; OSError if the source is too short.
    """
    done = 0
    with target.guard():
        while done < nbytes:
            count = _copy(source.fd, target.fd, min(_PIECE_BYTES, nbytes - done), at + done, to + done)
            if not count:
                raise OSError(f"{source.path} ended at byte {at + done}, before {at + nbytes}")
            done += count
    target.workspace.written += nbytes


def _copy(source: int, target: int, count: int, at: int, to: int) -> int:
    """Copy up to `count` bytes from one file to another; give how many."""
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source, target, count, at, to)
        except OSError as error:
            if error.errno not in _NO_RANGES:
                raise
    data = os.pread(source, min(count, 1 << 20), at)
    return os.pwrite(target, data, to)
