"""NumPy's basic indexing, for arrays of which only what is asked for is read. No source may enter."""

from __future__ import annotations

import operator
from typing import Any

from ._errors import InvalidArgument
from ._types import Index


def region_of(key: Any, shape: tuple[int, ...]) -> tuple[Index, tuple[Any, ...]]:
    """Give the smallest region that holds what a key of basic indexing asks for, and the key within it.

    Raises: InvalidArgument for other keys; IndexError for a place outside the array.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    dots = [place for place, one in enumerate(keys) if one is Ellipsis]
    if len(dots) > 1 or len(keys) - len(dots) > len(shape):
        raise IndexError(f"too many indices for an array of shape {shape}: {key!r}")
    at = dots[0] if dots else len(keys)
    keys[at : at + 1] = [slice(None)] * (len(shape) - len(keys) + len(dots))
    index: list[slice] = []
    rest: list[slice | int] = []
    for one, size in zip(keys, shape, strict=True):
        if isinstance(one, slice):
            places = range(*one.indices(size))
            low, high = (min(places[0], places[-1]), max(places[0], places[-1]) + 1) if places else (0, 0)
            index.append(slice(low, high))
            start = places.start - low if places else 0
            stop = start + len(places) * places.step
            rest.append(slice(start, None if stop < 0 else stop, places.step) if places else slice(0, 0))
            continue
        try:
            place = operator.index(one)
        except TypeError:
            raise InvalidArgument(
                f"a lazy array takes integers, slices and ..., found {type(one).__name__}; read it first: a[...][key]"
            ) from None
        if not -size <= place < size:
            raise IndexError(f"{place} is out of bounds for an axis of size {size}")
        index.append(slice(place % size, place % size + 1))
        rest.append(0)
    return tuple(index), tuple(rest)
