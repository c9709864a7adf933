"""Checksums of pieces: whole ones to verify an output by, quick ones to recognise a source. Nothing else may enter."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._host import c_order
from ._types import Chunk

_SEEN_BYTES = 64 << 10  # of each end of a piece
_SEEN_ELEMENTS = 256


def checksum(array: NDArray[Any]) -> int:
    """Give the CRC-32 of an array's bytes in C order; of strings, each one's length goes before its bytes.

    What lies between the fields of a structure does not count: copying an array need not keep it.
    """
    if not array.dtype.hasobject:
        return zlib.crc32(_bytes(array if array.dtype.names is None else _packed(array)))
    total = 0
    is_text = array.dtype.kind == "T"
    for element in array.flat:
        element = element.encode() if is_text else element
        total = zlib.crc32(element, zlib.crc32(len(element).to_bytes(8, "little"), total))
    return total


def _packed(array: NDArray[Any]) -> NDArray[Any]:
    from numpy.lib.recfunctions import repack_fields  # it brings masked arrays along, which takes 40 ms

    packed: np.dtype[Any] = repack_fields(array.dtype, recurse=True)
    return array if packed.itemsize == array.dtype.itemsize else array.astype(packed)


def fingerprint(chunks: Iterable[Chunk]) -> str:
    """Give a short text that tells pieces from others, by their places and both ends of their bytes."""
    seen = hashlib.blake2b(digest_size=16)
    for chunk in chunks:
        value = chunk.value
        seen.update(
            repr((chunk.name, [(s.start, s.stop) for s in chunk.index], value.shape, str(value.dtype))).encode()
        )
        if value.dtype.hasobject:
            flat = value.reshape(-1)
            for element in (*flat[:_SEEN_ELEMENTS], *flat[-_SEEN_ELEMENTS:]):
                seen.update(repr(element).encode())
            continue
        rows = max(1, _SEEN_BYTES * len(value) // max(value.nbytes, 1)) if value.ndim else 1
        ends = (value[:rows], value[-rows:]) if value.ndim else (value,)
        for end in ends:
            seen.update(_bytes(end)[: 4 * _SEEN_BYTES])
    return seen.hexdigest()


def _bytes(array: NDArray[Any]) -> memoryview:
    return c_order(array).reshape(-1).view(np.uint8).data
