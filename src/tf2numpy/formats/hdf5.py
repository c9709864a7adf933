"""An HDF5 file of whatever content, and how to tell one. What becomes of a dataset is `_hdf5_dataset`'s matter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .._blobs import blob_of
from .._protocols import Stored
from ._hdf5_dataset import source
from ._hdf5_groups import walk
from ._hdf5_opened import SIGNATURE, opening

_KIND = "HDF5 file"
_FIRST_BLOCK_BYTES = 512  # HDF5 begins at byte 0, or at this one, or at twice, four times ... of it


def hdf5(path: Path, head: bytes) -> Stored | None:
    """Open an HDF5 file; its arrays are called by their paths, "group/name".

    Raises: FormatError for a damaged file, and for one that leads to other files; MissingExtra without h5py.
    """
    if not head or not (head.startswith(SIGNATURE) or _behind_user_block(path)):
        return None
    with opening(blob_of(path), _KIND) as opened:
        # A soft link only repeats what is there.
        datasets = ((name, it) for name, it in walk(opened) if isinstance(it, opened.h5py.h5d.DatasetID))
        arrays = {name: source(opened, name, dataset) for name, dataset in datasets}
    return Stored(_KIND, arrays, opened.file.close)


def _behind_user_block(path: Path) -> bool:
    with open(path, "rb") as file:
        return any(_found_at(file, offset) for offset in _offsets(os.fstat(file.fileno()).st_size))


def _offsets(size: int) -> Iterator[int]:
    offset = _FIRST_BLOCK_BYTES
    while offset < size:
        yield offset
        offset *= 2


def _found_at(file: BinaryIO, offset: int) -> bool:
    file.seek(offset)
    return file.read(len(SIGNATURE)) == SIGNATURE
