"""dtypes and elements that no file could hold, refused in words that say what to do. Only messages may enter."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import is_extended, named
from .._errors import FormatError
from .._types import Index


def refuse_nameless(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse a dtype of another library that no file could name, so that nothing is written as bare bits.

    Raises: FormatError naming the array and the dtype.
    """
    registered_by_others = dtype.isbuiltin == 2
    if registered_by_others and not (is_extended(dtype) and dtype == named(dtype.name)):
        raise FormatError(
            f"array {name!r}: no file can name the dtype {dtype!r}; cast it to one that TensorFlow has too"
        )


def refuse_text(name: str, dtype: np.dtype[Any], kinds: str) -> None:
    """Refuse NumPy's text; kinds: those a format cannot hold, "U" for fixed and "T" for variable length.

    Raises: FormatError naming the array and the dtype.
    """
    if dtype.kind in kinds:
        raise FormatError(
            f"array {name!r}: its elements are text, {dtype}, which this format cannot hold; encode it to bytes, "
            "np.char.encode(x), or leave out dtype=str where it was decoded"
        )


def refuse_objects(name: str, index: Index, value: NDArray[Any]) -> None:
    """Refuse objects that are not bytes; index: the region of the array, a slice for every axis.

    Raises: FormatError naming its type and place.
    """
    for position, element in enumerate(value.flat):
        if isinstance(element, bytes):
            continue
        place = [int(i) + s.start for i, s in zip(np.unravel_index(position, value.shape), index, strict=True)]
        raise FormatError(
            f"array {name!r}: the element{f' at {place}' if place else ''} is "
            f"{type(element).__name__}, and only bytes can be written; {_instead_of(element)}"
        )


def _instead_of(element: Any) -> str:
    if isinstance(element, str):
        return "encode text first, element.encode()"
    if isinstance(element, numbers.Number):  # one that no dtype holds exactly: a long integer, a Decimal
        return "give numbers a dtype of numbers, np.asarray(x, 'float64')"
    return "give bytes in its place, or leave this array out"
