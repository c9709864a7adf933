"""One dataset of a Keras file as an array, or the reason why it can be none. Names may not enter."""

from __future__ import annotations

import math
from typing import Any

from .._dtypes import is_extended
from .._errors import FormatError
from .._protocols import ArraySource
from .._units import format_bytes
from ._hdf5_dataset import Refused, source
from ._hdf5_opened import Opened, finding_damage

# Keras never compresses. Whoever did so by hand is allowed as much as a file of weights may gain by it.
_MOST_RATIO = 10
_ALWAYS_BYTES = 64 << 20
_WRITTEN_SO = {1: "float8 and int4", 2: "bfloat16"}


def array_of(opened: Opened, path: str, dataset: Any, label: str = "") -> ArraySource | str:
    """Give the source of a dataset, or say why there is none; label: its logical dtype, if that is known.

    Raises: FormatError for elements that lie elsewhere, and for far more of them than the file can hold.
    """
    with finding_damage(opened.blob):
        found = source(opened, path, dataset, label)
        _check_size(opened, path, dataset, found)
    if isinstance(found, Refused):
        return f"it holds {found.what}, which has no NumPy form"
    dtype = found.spec.dtype
    if dtype.hasobject:
        return "it holds texts, and Keras has no weights that are texts; read it with h5py"
    if dtype.kind != "V" or dtype.names or is_extended(dtype):
        return found
    like = _WRITTEN_SO.get(dtype.itemsize)
    why = f"Keras writes {like} so" if like else "Keras writes none so"
    return (
        f"the file does not say of which type its elements of {format_bytes(dtype.itemsize)} are ({why}); read it with "
        "h5py, and view it as the ml_dtypes type that the model had"
    )


def _check_size(opened: Opened, path: str, dataset: Any, found: ArraySource) -> None:
    settings, h5d = dataset.get_create_plist(), opened.h5py.h5d
    nbytes = found.spec.nbytes or 0
    if settings.get_layout() == h5d.CHUNKED:  # HDF5 unpacks whole chunks, however little of one is in use
        nbytes = max(nbytes, math.prod(settings.get_chunk()) * dataset.get_type().get_size())
    most_bytes = max(_ALWAYS_BYTES, opened.blob.size * _MOST_RATIO)
    if nbytes > most_bytes:
        raise FormatError(
            f"{opened.where(path)} would unpack to {format_bytes(nbytes)}, and the whole file has "
            f"{format_bytes(opened.blob.size)}; {format_bytes(most_bytes)} are the most that are read; if the file is "
            "to be trusted, rewrite it without compression: h5repack -f NONE -l CONTI"
        )
