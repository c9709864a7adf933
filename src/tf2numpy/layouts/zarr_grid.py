"""How Zarr cuts an array into chunks, and names and gathers them. Pure arithmetic: no file or codec may enter."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._types import Index
from ..wire import crc32c

Coords = tuple[int, ...]
_MISSING = np.uint64((1 << 64) - 1)
_CRC_BYTES = 4


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid.

    chunk: sizes of a chunk, which is encoded as one. per_file: how many chunks a file holds along each axis (a
    shard); None: each chunk is a file.
    """

    chunk: tuple[int, ...]
    per_file: tuple[int, ...] | None = None

    @property
    def in_file(self) -> int:
        """Chunks that one file has room for."""
        return math.prod(self.per_file or ())

    def counts(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Count the chunks along each axis of an array of this shape."""
        return tuple(-(-n // size) for n, size in zip(shape, self.chunk, strict=True))

    def place(self, coords: Coords) -> tuple[Coords, int]:
        """Say which file a chunk is in, and which of the chunks in it it is."""
        if self.per_file is None:
            return coords, 0
        position = 0
        for c, n in zip(coords, self.per_file, strict=True):
            position = position * n + c % n
        return tuple(c // n for c, n in zip(coords, self.per_file, strict=True)), position

    def present(self, file: Coords, shape: Sequence[int]) -> NDArray[np.bool_]:
        """Tell which of the chunks that a shard has room for hold any part of an array of this shape."""
        found = np.ones((1,), bool)
        for f, n, count in zip(file, self.per_file or (), self.counts(shape), strict=True):
            found = np.logical_and.outer(found, np.arange(f * n, (f + 1) * n) < count)
        return found.reshape(-1)


def cut(index: Index, chunk: Sequence[int]) -> Iterator[tuple[Coords, Index, Index]]:
    """Give the chunks that a region touches, in C order: coordinates, the part of the chunk, the part of the region.

    >>> list(cut((slice(3, 6),), (4,)))
    [((0,), (slice(3, 4, None),), (slice(0, 1, None),)), ((1,), (slice(0, 2, None),), (slice(1, 3, None),))]
    """
    if not index:
        yield (), (), ()
        return
    (first, *rest), (size, *sizes) = index, chunk
    if any(s.start >= s.stop for s in index):
        return
    for c in range(first.start // size, -(-first.stop // size)):
        start, stop = max(first.start, c * size), min(first.stop, (c + 1) * size)
        inside, part = slice(start - c * size, stop - c * size), slice(start - first.start, stop - first.start)
        for coords, insides, parts in cut(tuple(rest), sizes):
            yield (c, *coords), (inside, *insides), (part, *parts)


def within(coords: Coords, chunk: Sequence[int], shape: Sequence[int]) -> Index:
    """Give the part of a chunk that lies inside the array; the rest is padding."""
    return tuple(slice(0, min(size, n - c * size)) for c, size, n in zip(coords, chunk, shape, strict=True))


def index_bytes(chunks: int) -> int:
    """Give the size of the index of a shard with room for so many chunks."""
    return 16 * chunks + _CRC_BYTES


def pack_index(entries: NDArray[np.uint64]) -> bytes:
    """Give the bytes of an index of (offset, size) pairs, with their checksum."""
    data = entries.astype("<u8").tobytes()
    return data + struct.pack("<I", crc32c.extend(0, data))


def unpack_index(data: bytes, *, checksum: bool = True) -> NDArray[np.uint64]:
    """Give the (offset, size) pairs of an index.

    Raises: ValueError if the checksum is wrong.
    """
    if checksum:
        data, (stored,) = data[:-_CRC_BYTES], struct.unpack("<I", data[-_CRC_BYTES:])
        if stored != crc32c.extend(0, data):
            raise ValueError("the checksum of its index is wrong")
    return np.frombuffer(data, "<u8").reshape(-1, 2).astype(np.uint64)


def no_entries(chunks: int) -> NDArray[np.uint64]:
    """Give an index of which every chunk is missing."""
    return np.full((chunks, 2), _MISSING)


def is_missing(offset: int, size: int) -> bool:
    """Tell whether an entry of an index says that there is no chunk."""
    return offset == size == int(_MISSING)
