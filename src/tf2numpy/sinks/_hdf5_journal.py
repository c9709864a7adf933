"""What cannot go to its place in the output yet, appended to one file, and an index of it. No file format may enter.

HDF5 keeps the places of chunks and strings in memory until it closes a file, so an interruption would lose them. Here
a truncated file is the file as it was: two numbers say how much of it counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .._workspace import Workspace
from ._growing import copy_range
from ._output_file import OutputFile
from ._writeback import WRITEBACK_BYTES, begin_writeback

# A record of the index: array, first, count (which mean what the array's writer says), byte offset, bytes.
_RECORD = np.dtype(("<i8", (5,)))
_TOGETHER = 1 << 16  # records in memory at once


class Journal:
    """Pieces of arrays in the order in which they came; an array is a number here."""

    def __init__(self, workspace: Workspace, name: str, mark: Sequence[int] | None = None) -> None:
        """Begin an empty journal; or cut the one that is there back to what it was when `mark` was given."""
        keep = mark is not None
        self._data = OutputFile(workspace, workspace.folder / name, keep=keep)
        self._index = OutputFile(workspace, workspace.folder / f"{name}.index", keep=keep)
        self._nbytes, self._records = mark or (0, 0)
        self._recent: list[tuple[int, int, int, int, int]] = []
        self._sent: int | None = None  # bytes that are on their way to the disk; None: they may never have to go there
        self._data.resize(self._nbytes)
        self._index.resize(self._records * _RECORD.itemsize)

    def append(self, array: int, first: int, count: int, *parts: bytes | memoryview, joins: bool = False) -> None:
        """Take one piece; joins: where it goes on from the piece before, the two may become one.

        Raises: StorageFull; the piece then does not count.
        """
        offset = end = self._nbytes
        with self._data.guard():
            for part in parts:
                self._data.pwrite(part, end)
                end += memoryview(part).nbytes
        self._nbytes = end
        if self._sent is not None and end - self._sent >= WRITEBACK_BYTES:
            self._sent = end
            begin_writeback(self._data.fd)
        if joins and self._recent:
            array_before, first_before, count_before, offset_before, nbytes = self._recent[-1]
            if array_before == array and first_before + count_before == first:
                self._recent[-1] = (array, first_before, count_before + count, offset_before, nbytes + end - offset)
                return
        self._recent.append((array, first, count, offset, end - offset))
        if len(self._recent) == _TOGETHER:
            self._flush()

    @property
    def nbytes(self) -> int:
        """Bytes of all pieces."""
        return self._nbytes

    def mark(self) -> list[int]:
        """Say how much there is."""
        self._flush()
        self._sent = self._nbytes  # after one mark comes another, before which all must be durable
        return [self._nbytes, self._records]

    def sync(self) -> None:
        """Make what there was at the last `mark` durable; from any thread."""
        self._data.sync()
        self._index.sync()

    def pieces(self, array: int) -> Iterator[tuple[int, int, int, int]]:
        """Give (first, count, byte offset, bytes) of the pieces of one array, oldest first."""
        self._flush()
        for start in range(0, self._records, _TOGETHER):
            records = self._block(start, min(_TOGETHER, self._records - start))
            for _, first, count, offset, nbytes in records[records[:, 0] == array].tolist():
                yield first, count, offset, nbytes

    def read(self, offset: int, nbytes: int) -> bytes:
        """Give bytes of the journal."""
        return _read(self._data, offset, nbytes)

    def copy(self, offset: int, nbytes: int, output: OutputFile, to: int) -> None:
        """Copy bytes of the journal to a byte offset of the output."""
        copy_range(self._data, offset, nbytes, output, to)

    def close(self) -> None:
        """Close the files; a second time does nothing."""
        self._data.close()
        self._index.close()

    def remove(self) -> None:
        """Close and remove the files."""
        self.close()
        self._data.path.unlink(missing_ok=True)
        self._index.path.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._recent:
            with self._index.guard():
                self._index.pwrite(np.array(self._recent, "<i8").data, self._records * _RECORD.itemsize)
            self._records += len(self._recent)
            self._recent = []

    def _block(self, start: int, count: int) -> NDArray[np.int64]:
        data = _read(self._index, start * _RECORD.itemsize, count * _RECORD.itemsize)
        return np.frombuffer(data, _RECORD)


def _read(file: OutputFile, offset: int, nbytes: int) -> bytes:
    parts, end = [], offset + nbytes
    while offset < end:
        part = os.pread(file.fd, end - offset, offset)
        if not part:
            raise OSError(f"{file.path} ended at byte {offset}, before {end}")
        parts.append(part)
        offset += len(part)
    return b"".join(parts) if len(parts) != 1 else parts[0]
