"""Attributes of HDF5 objects that are texts. What a text means may not enter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 1 << 26


def text_of(h5py: Any, holder: Any, name: str) -> str:
    """Give an attribute that is one text; "" for any other, whatever it may mean to others."""
    found = _texts(h5py, holder, name)
    return str(found.item().decode(errors="surrogateescape")) if found is not None and found.ndim == 0 else ""


def texts_of(h5py: Any, holder: Any, name: str) -> list[str] | None:
    """Give an attribute that is a list of texts, or an empty list of anything; None if there is no such attribute."""
    found = _texts(h5py, holder, name)
    if found is None or found.ndim != 1:
        return None
    return [text.decode(errors="surrogateescape") for text in found.tolist()]


def _texts(h5py: Any, holder: Any, name: str) -> NDArray[Any] | None:
    if not h5py.h5a.exists(holder, name.encode()):
        return None
    attribute = h5py.h5a.open(holder, name.encode())
    shape = attribute.shape
    if shape is not None and 0 in shape:
        return np.empty(shape, object)
    if attribute.get_type().get_class() != h5py.h5t.STRING or shape is None:
        return None
    if attribute.get_storage_size() > _MOST_BYTES:
        return None
    found: NDArray[Any] = np.empty(shape, attribute.dtype)
    attribute.read(found, mtype=h5py.h5t.py_create(attribute.dtype))
    return found
