"""Stored arrays piece by piece, and numbers in a form to reckon with. Where arrays come from may not enter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dtypes import is_extended
from ._protocols import ArraySource
from ._types import Index

_PIECE_BYTES = 16 << 20
_STRINGS_BYTES = 64 << 20  # a piece holds at least one string
_BLOCK_ELEMENTS = 1 << 18  # reckoned with at once: several arrays of them, of 8 or 16 bytes each, stay in the cache


def pieces(source: ArraySource) -> Iterator[Index]:
    """Cut an array into regions that are quick to read and small enough to hold.

    Raises: InvalidArgument for a string of more than 64 MiB in an array of several.
    """
    return source.regions(_STRINGS_BYTES if source.spec.dtype.hasobject else _PIECE_BYTES)


def blocks(*arrays: NDArray[Any]) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """Cut arrays of one shape into flat blocks, each with the number of its first element in C order."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, _BLOCK_ELEMENTS):
        yield start, [array[start : start + _BLOCK_ELEMENTS] for array in flat]


def is_integer(dtype: np.dtype[Any]) -> bool:
    """Tell whether the elements are whole numbers, or truth values, which count as 0 and 1."""
    return dtype.kind in "biu" or (is_extended(dtype) and dtype.name.lstrip("u").startswith("int"))


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Give numbers in a dtype that NumPy reckons with, no value of them changed.

    Truth values and integers of less than 8 bits become int64; floats of less than 64 bits, of any library, float64;
    complex64 becomes complex128; other integers stay.
    """
    dtype = array.dtype
    if dtype.kind == "b" or (is_extended(dtype) and is_integer(dtype)):
        return array.astype(np.int64)
    if is_extended(dtype) or (dtype.kind == "f" and dtype.itemsize < 8):
        return array.astype(np.float64)
    return array.astype(np.complex128) if dtype.kind == "c" and dtype.itemsize < 16 else array
