"""Arrow arrays as NumPy arrays: views where they can be. Which file they are of may not enter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._host import allocate, read_only
from .._registry import require
from ._arrow_types import Kind

_WITHOUT = "it has nulls, and what is said of it tells none; it was damaged, or changed by another writer"


def values(pa: Any, array: Any, kind: Kind, *, missing: bool) -> NDArray[Any]:
    """Give values [n, *shape] of the logical dtype; a missing one is 0, b"" or no time.

    missing: whether some may be. Copies: none of numbers in the machine's order of bytes where nothing is missing.
    Raises: FormatError for nulls where there should be none.
    """
    there = is_there(array)
    if there is not None and not missing:
        raise FormatError(_WITHOUT)
    if kind.is_empty:
        return np.empty((len(array), *kind.shape), kind.dtype)
    array = _of_fixed_size(pa, array, kind)
    inside = _inside(pa, array)
    if inside is not array and len(array):
        _check_inside(inside, len(array), there)
    flat = _flat(pa, inside, kind.dtype)
    result = flat.reshape(len(array), *kind.shape) if kind.shape else flat
    if there is None:
        return result
    result = result.copy()
    result[~there] = nothing(kind.dtype)
    return result


def is_there(array: Any) -> NDArray[Any] | None:
    """Say which values are there; None where all are."""
    if not array.null_count:
        return None
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def nothing(dtype: np.dtype[Any]) -> Any:
    """Give what stands for a value that is missing."""
    if dtype.kind in "Mm":
        return np.array("NaT", dtype)
    return b"" if dtype.hasobject else np.zeros((), dtype)


def lengths(pa: Any, array: Any, kind: Kind) -> NDArray[np.int32]:
    """Count the bytes of each of some strings, fixed-size lists of them flattened; of a missing one, none."""
    inside = _inside(pa, _of_fixed_size(pa, array, kind))
    if pa.types.is_fixed_size_binary(inside.type):
        return np.full(len(inside), inside.type.byte_width, np.int32)
    counted = require("pyarrow.compute", "reading strings").binary_length(_as_bytes(pa, inside)).fill_null(0)
    return np.asarray(counted.to_numpy(zero_copy_only=False)).astype(np.int32)


def _of_fixed_size(pa: Any, array: Any, kind: Kind) -> Any:
    """Give values that are stored as lists in the form that others have; what is under a null may be anything."""
    return array.cast(pa.list_(array.type.value_type, kind.listed)) if kind.listed else array


def _inside(pa: Any, array: Any) -> Any:
    """Give the single elements of rows of fixed size, those of rows that are missing too."""
    while True:
        array = getattr(array, "storage", array)
        if not pa.types.is_fixed_size_list(array.type):
            return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        size = array.type.list_size
        array = array.values.slice(array.offset * size, len(array) * size)


def _check_inside(inside: Any, rows: int, there: NDArray[Any] | None) -> None:
    """Refuse nulls within rows of fixed size, but for those of rows that are missing as a whole."""
    found = is_there(inside)
    if found is None:
        return
    whole: NDArray[Any] = np.logical_and.reduce(found.reshape(rows, -1), axis=1)
    if not (whole if there is None else whole[there]).all():
        raise FormatError("some rows of fixed size have nulls within, which no array of NumPy's can have; fill them")


def _flat(pa: Any, array: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give the elements of a logical dtype; what is null among them may be anything."""
    if dtype.kind in "OU":
        array = _as_bytes(pa, array) if dtype.hasobject else array
        found = np.asarray(array.to_numpy(zero_copy_only=False))
        return found if dtype.hasobject else _texts(found, dtype)
    if str(array.type) == "bool":
        return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False))
    if not len(array):
        return np.empty(0, dtype)
    width = array.type.bit_width // 8
    data = np.frombuffer(array.buffers()[1], np.uint8)[array.offset * width : (array.offset + len(array)) * width]
    if str(array.type) == "date32[day]":
        return data.view("<i4").astype(dtype)
    if dtype.byteorder == ">":
        return data.view(dtype.newbyteorder("<")).astype(dtype)
    return read_only(data.view(dtype))


def _texts(found: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give text of fixed length.

    Raises: FormatError for text that is longer, or that ends with NUL, which fixed length does not tell from its end.
    """
    result = allocate(found.shape, dtype)
    for place, text in enumerate(found):
        if text is not None and (len(text) * 4 > dtype.itemsize or text.endswith("\0")):
            raise FormatError(f"its metadata tells {dtype.str}, which cannot hold {text[:20]!r}; it was changed since")
        result[place] = text or ""
    return result


def _as_bytes(pa: Any, array: Any) -> Any:
    """Give text, or views of bytes, as bytes: the same ones."""
    types = pa.types
    if types.is_fixed_size_binary(array.type) or types.is_binary(array.type) or types.is_large_binary(array.type):
        return array
    return array.cast(pa.binary() if types.is_string(array.type) else pa.large_binary())
