"""The chunks that an array is cut into: their shape, their numbers, where a region meets them. Pure arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

from .._types import ArraySpec, Index

# A chunk is so many bytes of whole rows; a row is cut only if it has more than the most.
_CHUNK_BYTES = 1 << 20
_MOST_BYTES = 4 << 20
# The last chunk of each growing array waits in memory: all of them together share this much.
_WAITING_BYTES = 64 << 20
_LEAST_BYTES = 16 << 10


class Piece(NamedTuple):
    """Where a region meets one chunk: the chunk's number, the part of the chunk, the part of the region."""

    chunk: int
    inside: Index
    outside: Index


def chunk_shape(spec: ArraySpec, growing: int) -> tuple[int, ...]:
    """Choose a shape for the chunks of an array with elements; growing: how many arrays grow beside each other."""
    goal = _CHUNK_BYTES
    if None in spec.shape:
        goal = max(_LEAST_BYTES, min(goal, _WAITING_BYTES // max(growing, 1)))
    chunk: list[int] = []
    rest = spec.row_nbytes
    for axis, size in enumerate(spec.shape):
        fitting = max(1, goal // rest)
        chunk.append(fitting if size is None else min(size, fitting))
        if rest <= _MOST_BYTES:
            return (*chunk, *(n or 1 for n in spec.shape[axis + 1 :]))
        rest //= spec.shape[axis + 1] or 1
    return tuple(chunk)


class Grid:
    """The chunks of an array of known shape, or of one that grows along axis 0, numbered in C order."""

    def __init__(self, shape: tuple[int | None, ...], chunk: tuple[int, ...]) -> None:
        self.chunk = chunk
        self._shape = shape
        self._counts = [1 if n is None else -(-n // c) for n, c in zip(shape, chunk, strict=True)]

    def pieces(self, index: Index) -> Iterator[Piece]:
        """Cut a region where it crosses from one chunk into the next."""
        touched = [range(s.start // c, -(-s.stop // c)) for s, c in zip(index, self.chunk, strict=True)]
        if any(s.start == s.stop for s in index):
            return
        for place in itertools.product(*touched):
            starts = [p * c for p, c in zip(place, self.chunk, strict=True)]
            spans = [
                (max(s.start, start), min(s.stop, start + c))
                for s, start, c in zip(index, starts, self.chunk, strict=True)
            ]
            inside = tuple(slice(lo - start, hi - start) for (lo, hi), start in zip(spans, starts, strict=True))
            outside = tuple(slice(lo - s.start, hi - s.start) for (lo, hi), s in zip(spans, index, strict=True))
            yield Piece(self._number(place), inside, outside)

    def touched(self, index: Index) -> int:
        """Count the pieces that a region is cut into."""
        return math.prod(-(-s.stop // c) - s.start // c for s, c in zip(index, self.chunk, strict=True))

    def start(self, chunk: int) -> tuple[int, ...]:
        """Give the first element of a chunk, by its number."""
        places = []
        for count in reversed(self._counts[1:]):
            chunk, place = divmod(chunk, count)
            places.append(place)
        return tuple(p * c for p, c in zip((chunk, *reversed(places)), self.chunk, strict=True))

    def elements(self, chunk: int) -> int:
        """Count the elements of a chunk that lie inside the array."""
        return math.prod(
            c if n is None else min(c, n - start)
            for n, c, start in zip(self._shape, self.chunk, self.start(chunk), strict=True)
        )

    def _number(self, place: tuple[int, ...]) -> int:
        number = 0
        for count, at in zip(self._counts, place, strict=True):
            number = number * count + at
        return number
