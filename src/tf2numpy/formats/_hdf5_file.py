"""Bytes as a file that HDF5 reads, with two of its dangers taken out. What the file holds may not enter.

HDF5 (1.14) never comes to an end with a heap that has free space of no size. And a file that is read through Python and
still open when Python ends takes the process down with it.
"""

from __future__ import annotations

import atexit
import functools
from typing import Any

from .._blob_file import BlobFile
from .._blobs import Blob

_OURS = "<tf2numpy's file "
_HEAP = b"GCOL"
_MOST_OF_METADATA_BYTES = 1 << 20  # HDF5 reads no more at once, but of elements


class Hdf5File(BlobFile):
    """What h5py is given to open."""

    def __init__(self, blob: Blob, h5py: Any) -> None:
        super().__init__(blob)
        _close_all_at_exit(h5py)

    def __repr__(self) -> str:
        return f"{_OURS}{self.blob.name!r} at {id(self):#x}>"

    def readinto(self, buffer: Any, /) -> int:
        """Copy bytes; refuse heaps that never end.

        Raises: OSError, which h5py passes on.
        """
        start = self.tell()
        count = super().readinto(buffer)
        if count <= _MOST_OF_METADATA_BYTES:
            self._check_heaps(max(0, start - len(_HEAP) + 1), min(start + count + len(_HEAP) - 1, self.blob.size))
        return count

    def _check_heaps(self, start: int, stop: int) -> None:
        found = self.blob.read(start, stop).tobytes()
        at = found.find(_HEAP)
        while at >= 0:
            self._check_heap(start + at)
            at = found.find(_HEAP, at + 1)

    def _check_heap(self, start: int) -> None:
        """Walk a heap as HDF5 does: each object has a number, a count, 4 bytes, and its size; 0 is free space."""
        width = self._width
        header = self.blob.read(start, min(start + 8 + width, self.blob.size)).tobytes()
        if len(header) < 8 + width or header[4:8] != b"\1\0\0\0":
            return
        stop = min(start + int.from_bytes(header[8:], "little"), self.blob.size)
        at = start + 8 + width
        while at + 8 + width <= stop:
            head = self.blob.read(at, at + 8 + width).tobytes()
            size = int.from_bytes(head[8:], "little")
            is_free = head[:2] == b"\0\0"
            if is_free and not size:
                raise OSError(f"the heap at byte {start} has free space of no size at byte {at}")
            at += size if is_free else 8 + width + -(-size // 8) * 8

    @functools.cached_property
    def _width(self) -> int:
        """The bytes that this file gives to a length, by the first of its blocks."""
        head = self.blob.read(0, min(16, self.blob.size)).tobytes().ljust(16)
        return head[14] if head[8] < 2 else head[10]


@functools.cache
def _close_all_at_exit(h5py: Any) -> None:
    atexit.register(_close_all, h5py)


def _close_all(h5py: Any) -> None:
    """Close what is still open of files that are read through this class."""
    for file in h5py.h5f.get_obj_ids(types=h5py.h5f.OBJ_FILE):
        if file.name.startswith(_OURS.encode()):  # HDF5 knows a file object by how it is written
            h5py.File(file).close()
