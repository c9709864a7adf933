"""An HDF5 file of whatever content, and how to tell one. What becomes of a dataset is `_hdf5_dataset`'s matter."""

from __future__ import annotations

from .._blobs import blob_of
from .._protocols import Place, Stored
from ._hdf5_dataset import source
from ._hdf5_groups import walk
from ._hdf5_opened import begins_at, opening

_KIND = "HDF5 file"


def hdf5(path: Place, head: bytes) -> Stored | None:
    """Open an HDF5 file; its arrays are called by their paths, "group/name".

    Raises: FormatError for a damaged file, and for one that leads to other files; MissingExtra without h5py.
    """
    if not head:
        return None
    blob = blob_of(path)
    if begins_at(blob) is None:
        return None
    with opening(blob, _KIND) as opened:
        # A soft link only repeats what is there.
        datasets = ((name, it) for name, it in walk(opened) if isinstance(it, opened.h5py.h5d.DatasetID))
        arrays = {name: source(opened, name, dataset) for name, dataset in datasets}
    return Stored(_KIND, arrays, opened.file.close)
