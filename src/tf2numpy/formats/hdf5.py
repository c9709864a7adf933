"""An HDF5 file of whatever content, and how to tell one. What becomes of a dataset is `_hdf5_dataset`'s matter."""

from __future__ import annotations

from .._blobs import Blob, blob_of
from .._protocols import Place, Stored
from ._hdf5_dataset import source
from ._hdf5_groups import walk
from ._hdf5_opened import SIGNATURE, opening

_KIND = "HDF5 file"
_FIRST_BLOCK_BYTES = 512  # HDF5 begins at byte 0, or at this one, or at twice, four times ... of it
_MOST_FETCHED_BYTES = 64 << 10


def hdf5(path: Place, head: bytes) -> Stored | None:
    """Open an HDF5 file; its arrays are called by their paths, "group/name".

    Raises: FormatError for a damaged file, and for one that leads to other files; MissingExtra without h5py.
    """
    if not head:
        return None
    blob = blob_of(path)
    if not (head.startswith(SIGNATURE) or _behind_user_block(blob)):
        return None
    with opening(blob, _KIND) as opened:
        # A soft link only repeats what is there.
        datasets = ((name, it) for name, it in walk(opened) if isinstance(it, opened.h5py.h5d.DatasetID))
        arrays = {name: source(opened, name, dataset) for name, dataset in datasets}
    return Stored(_KIND, arrays, opened.file.close)


def _behind_user_block(blob: Blob) -> bool:
    """Look where HDF5 may begin; of a file that is fetched, only among its first bytes, which are there already."""
    size, offset = blob.size if blob.mapped else min(blob.size, _MOST_FETCHED_BYTES), _FIRST_BLOCK_BYTES
    while offset + len(SIGNATURE) <= size:
        if blob.read(offset, offset + len(SIGNATURE)).tobytes() == SIGNATURE:
            return True
        offset *= 2
    return False
