"""Attributes of HDF5 objects that are texts. What a text means may not enter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._units import format_bytes
from ..wire.hdf5_header import check_heap, texts
from ._hdf5_opened import Opened


def text_of(opened: Opened, holder: Any, name: str) -> str:
    """Give an attribute that is one text; "" for any other, whatever it may mean to others.

    Raises: FormatError for one that says it is far longer than the file.
    """
    found = _texts(opened, holder, name)
    return str(found.item().decode(errors="surrogateescape")) if found is not None and found.ndim == 0 else ""


def texts_of(opened: Opened, holder: Any, name: str) -> list[str] | None:
    """Give an attribute that is a list of texts, or an empty list of anything; None if there is no such attribute.

    Raises: as `text_of`.
    """
    found = _texts(opened, holder, name)
    if found is None or found.ndim != 1:
        return None
    return [text.decode(errors="surrogateescape") for text in found.tolist()]


def _texts(opened: Opened, holder: Any, name: str) -> NDArray[Any] | None:
    h5py = opened.h5py
    if not h5py.h5a.exists(holder, name.encode()):
        return None
    attribute = h5py.h5a.open(holder, name.encode())
    shape, kind = attribute.shape, attribute.get_type()
    if shape is not None and 0 in shape:
        return np.empty(shape, object)
    if kind.get_class() != h5py.h5t.STRING or shape is None:
        return None
    _check_size(opened, holder, name, attribute.get_storage_size(), in_heap=kind.is_variable_str())
    found: NDArray[Any] = np.empty(shape, attribute.dtype)
    attribute.read(found, mtype=h5py.h5t.py_create(attribute.dtype))
    return found


def _check_size(opened: Opened, holder: Any, name: str, nbytes: int, *, in_heap: bool) -> None:
    where = (
        f"{opened.blob.name!r}: the attribute {name!r} of {opened.h5py.h5i.get_name(holder).decode(errors='replace')!r}"
    )
    if in_heap:
        found = texts(opened.read, opened.address(holder), name.encode())
        if found is None:
            raise FormatError(
                f"{where} is stored in a way that is not read here; rewrite the file with h5repack, without --latest"
            )
        nbytes = max(nbytes, sum(text.nbytes for text in found))
        for heap in {text.heap for text in found if text.nbytes} - opened.heaps:
            try:
                check_heap(opened.read, heap)
            except FormatError as error:
                raise FormatError(f"{where} cannot be read: {error}; the file is damaged") from error
            opened.heaps.add(heap)
    if nbytes > opened.most_bytes:
        raise FormatError(
            f"{where} is said to have {format_bytes(nbytes)}, and the whole file has {format_bytes(opened.blob.size)}; "
            "the file is damaged"
        )
