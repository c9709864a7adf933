"""What the elements of an HDF5 dataset are in NumPy. No element may be read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._dtypes import UNSLICEABLE, named, storage
from ..layouts.hdf5_types import exact_dtype

_EXTENDED = ("bfloat16", *UNSLICEABLE)


@dataclass(frozen=True)
class Elements:
    """What the elements become.

    dtype: the logical one; `object` means `bytes`. inner: the shape of one element, if it is an array itself.
    memory_type, read_as: the HDF5 type and the NumPy dtype of the memory that h5py reads into.
    as_in_memory: the file holds them just as NumPy's memory would.
    """

    dtype: np.dtype[Any]
    memory_type: Any
    read_as: np.dtype[Any]
    inner: tuple[int, ...] = ()
    as_in_memory: bool = False


def elements_of(h5py: Any, dataset: Any, label: str) -> Elements | str:
    """Say what the elements of a dataset become; or what they are, where they cannot become anything.

    label: the logical dtype, where the file says it beside the type.
    """
    h5t, kind = h5py.h5t, dataset.get_type()
    try:
        extended = _extended(h5py, kind, label)
        if extended is not None:  # bits as they lie in the file, with no conversion
            return Elements(extended, kind, storage(extended), as_in_memory=True)
        found: np.dtype[Any] = kind.dtype
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        return f"elements of a type that cannot be read ({error})"
    if kind.get_class() == h5t.STRING:
        return Elements(np.dtype(object), h5t.py_create(found), found)
    if found.hasobject:
        base = h5py.check_vlen_dtype(found)
        if base == np.uint8 and label == "string" and _is_sequence(kind):
            return Elements(np.dtype(object), h5t.py_create(found), found)
        return _of_objects(h5py, found, base)
    if _overlaps(found):  # NumPy's are larger than the file's, and HDF5 would write beyond its memory
        return f"structures whose fields overlap in memory, {found}"
    dtype = _bare(found)
    if dtype.subdtype:
        base, inner = dtype.subdtype
        return Elements(base, h5t.py_create(found), base, inner=inner)
    if kind.get_class() == h5t.OPAQUE:  # HDF5 converts nothing it knows nothing of
        return Elements(dtype, kind, dtype, as_in_memory=True)
    return Elements(dtype, h5t.py_create(found), dtype, as_in_memory=h5t.py_create(found, logical=True).equal(kind))


def _extended(h5py: Any, kind: Any, label: str) -> np.dtype[Any] | None:
    """Give the dtype of ml_dtypes that a type describes, or that the label names and whose bits the type holds."""
    exact = exact_dtype(h5py, kind)
    if exact is not None or label not in _EXTENDED:
        return exact
    h5t, dtype = h5py.h5t, named(label)
    if kind.get_size() != dtype.itemsize:
        return None
    plain = kind.get_class() == h5t.OPAQUE or (kind.get_class() == h5t.INTEGER and kind.get_order() != h5t.ORDER_BE)
    return dtype if plain or (dtype.itemsize == 1 and kind.get_class() == h5t.INTEGER) else None


def _of_objects(h5py: Any, found: np.dtype[Any], base: Any) -> str:
    if base is not None:
        return f"sequences of {base} of differing lengths"
    if h5py.check_ref_dtype(found) is not None:
        return "references to other places in the file"
    return f"structures of objects, {found}"


def _is_sequence(kind: Any) -> bool:
    """Tell a sequence from what a damaged file may say instead: neither one nor a text, which HDF5 does not survive."""
    bits: int = kind.encode()[3]  # after the encoding's own two bytes and the type's class
    return bits & 15 == 0


def _overlaps(dtype: np.dtype[Any]) -> bool:
    """Tell whether a structure, or one within it, has fields that share bytes."""
    if dtype.subdtype:
        return _overlaps(dtype.subdtype[0])
    end = 0
    for kind, offset, *_ in sorted((dtype.fields or {}).values(), key=lambda field: int(field[1])):
        if offset < end or _overlaps(kind):
            return True
        end = offset + kind.itemsize
    return False


def _bare(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Leave out what h5py notes on a dtype, such as the names of an enumeration's values."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return np.dtype((_bare(base), shape))
    if dtype.fields is None:
        return np.dtype(dtype.str)
    fields = {name: dtype.fields[name] for name in dtype.names or ()}
    return np.dtype(
        {
            "names": list(fields),
            "formats": [_bare(field[0]) for field in fields.values()],
            "offsets": [field[1] for field in fields.values()],
            "itemsize": dtype.itemsize,
        }
    )
