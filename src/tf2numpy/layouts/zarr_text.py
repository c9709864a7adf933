"""Byte strings of any length as one chunk of bytes, as the codec "vlen-bytes" has it. No file may enter.

Four bytes count the elements; then each element follows its length in four bytes, all little-endian. "vlen-utf8" is
the same for the UTF-8 of text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("<I")
MOST_ELEMENT_BYTES = (1 << 32) - 1


def join(elements: Iterable[bytes], count: int) -> bytes:
    """Give the bytes of so many elements."""
    parts = [_LENGTH.pack(count)]
    for element in elements:
        parts += _LENGTH.pack(len(element)), element
    return b"".join(parts)


def split(data: bytes, count: int) -> NDArray[Any]:
    """Give the elements of a chunk that must have so many, as a flat object array.

    Raises: ValueError saying what is wrong.
    """
    spans = list(_spans(data, count))
    array = np.empty(count, object)
    array[:] = [data[start:stop] for start, stop in spans]
    return array


def lengths(data: bytes, count: int) -> NDArray[np.int64]:
    """Give the lengths of the elements alone.

    Raises: ValueError saying what is wrong.
    """
    return np.array([stop - start for start, stop in _spans(data, count)], np.int64)


def _spans(data: bytes, count: int) -> Iterator[tuple[int, int]]:
    size = len(data)
    found = _LENGTH.unpack_from(data)[0] if size >= _LENGTH.size else 0
    if found != count:
        raise ValueError(f"it holds {found} elements instead of {count}")
    start = _LENGTH.size
    for _ in range(count):
        stop = start + _LENGTH.size
        if stop > size:
            raise ValueError("its last elements are missing")
        start, stop = stop, stop + _LENGTH.unpack_from(data, start)[0]
        if stop > size:
            raise ValueError("an element ends behind the chunk")
        yield start, stop
        start = stop
    if start != size:
        raise ValueError(f"{size - start} bytes follow its last element")
