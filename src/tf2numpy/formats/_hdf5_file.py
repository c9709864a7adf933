"""Bytes as a file that HDF5 reads through Python. What the file holds may not enter.

A file that is read so and still open when Python ends can take the process down with it: such ones are closed before.
"""

from __future__ import annotations

import atexit
import functools
from typing import Any

from .._blob_file import BlobFile
from .._blobs import Blob

_OURS = "<tf2numpy's file "


class Hdf5File(BlobFile):
    """What h5py is given to open."""

    def __init__(self, blob: Blob, h5py: Any) -> None:
        super().__init__(blob)
        _close_all_at_exit(h5py)

    def __repr__(self) -> str:
        return f"{_OURS}{self.blob.name!r} at {id(self):#x}>"


@functools.cache
def _close_all_at_exit(h5py: Any) -> None:
    atexit.register(_close_all, h5py)


def _close_all(h5py: Any) -> None:
    """Close what is still open of files that are read through this class."""
    for file in h5py.h5f.get_obj_ids(types=h5py.h5f.OBJ_FILE):
        if file.name.startswith(_OURS.encode()):  # HDF5 knows a file object by how it is written
            h5py.File(file).close()
