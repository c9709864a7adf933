"""The HDF5 files that Keras writes: weights (.weights.h5), and models of the old kind (.h5). Others may not enter.

Which of them a file is, is told by its groups and attributes.
"""

from __future__ import annotations

from dataclasses import replace

from .._blobs import Blob, blob_of
from .._protocols import Place, Stored
from . import _keras_legacy, _keras_weights
from ._hdf5_opened import SIGNATURE, opening
from ._keras_config import Known

WEIGHTS, _LEGACY = "Keras weights file", "legacy Keras file"
_SUFFIX = ".weights.h5"


def keras_hdf5(path: Place, head: bytes, *, names: str = "human", slots: bool = False) -> Stored | None:
    """Open a file of Keras's; arrays are called "dense/kernel" where that is known, else "dense/0".

    Raises: FormatError for a damaged file, and for one that leads elsewhere; MissingExtra without h5py.
    """
    if not head.startswith(SIGNATURE):
        return None
    told = path.name.endswith(_SUFFIX)
    return stored_in(blob_of(path), WEIGHTS, None, told=told, names=names, slots=slots)


def stored_in(blob: Blob, kind: str, model: Known | None, *, told: bool, names: str, slots: bool) -> Stored | None:
    """Read the bytes of an HDF5 file, wherever they lie; None if they are not Keras's.

    model: what is known of the model. told: something else than the content says that these are Keras's weights.
    """
    with opening(blob, kind) as opened:
        close = opened.file.close
        if _keras_legacy.is_legacy(opened):
            old = replace(opened, kind=_LEGACY)
            return _keras_legacy.stored_of(_LEGACY, old, names=names, slots=slots, close=close)
        contents = _keras_weights.contents_of(opened, told=told)
        if contents is not None:
            return _keras_weights.stored_of(kind, contents, model, names=names, slots=slots, close=close)
        close()
    return None
