"""Zarr arrays as sources: regions put together from the chunks they touch. No metadata may be parsed here."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._errors import CopyRequired, FormatError
from .._host import allocate, check_out, region
from .._protocols import ArraySource
from .._sources import Numeric
from .._text import decode
from .._types import ArraySpec, Index, Request
from ..layouts.zarr_grid import Coords, cut
from ..layouts.zarr_text import lengths, split
from ._zarr_chunks import Chunks, Found
from ._zarr_meta import Metadata

KIND = "Zarr array"
_ELEMENT_OVERHEAD_BYTES = 8 + 33  # of a string: the array's pointer, and the header of `bytes`
_MOST_THREADS = 8
_TOGETHER = 256  # chunks that are handed to the threads at once
_WORTH_THREADS_BYTES = 1 << 20
_MOST_KEPT_BYTES = 64 << 20


class Numbers(Numeric):
    """An array of numbers, of which a region is read, and decoded, when it is asked for."""

    kind = KIND

    def __init__(self, metadata: Metadata, chunks: Chunks, device: str) -> None:
        self.device = device
        self.spec = ArraySpec(metadata.shape, metadata.named.logical)
        self._metadata, self._chunks = metadata, chunks
        # The last chunk of a region often is the first of the next one.
        self._kept: tuple[Coords, NDArray[Any]] | None = None

    def host_bytes(self, request: Request) -> int:
        """Bytes of the whole: there is no view of a file in pieces."""
        return self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Read every chunk once, straight to its place."""
        _refuse_view(request)
        dtype = request.dtype or self.spec.dtype
        if request.out is not None:
            check_out(request.out, self.shape, dtype)
        target = allocate(self.shape, dtype) if request.out is None else request.out
        self._fill(target, tuple(slice(0, n) for n in self.shape))
        return target

    def read(self, index: Index) -> NDArray[Any]:
        """Give a new array of a region."""
        index = _whole(index, self.shape)
        target = allocate(tuple(s.stop - s.start for s in index), self.spec.dtype)
        self._fill(target, index)
        return target

    def _fill(self, target: NDArray[Any], index: Index) -> None:
        touched = cut(index, self._metadata.grid.chunk)
        first = list(islice(touched, 2))
        remote = self._chunks.remote
        if len(first) < 2 or (target.nbytes < _WORTH_THREADS_BYTES and not remote):
            for one in _chained(first, touched):
                self._one(target, one)
            return
        with ThreadPoolExecutor(_MOST_THREADS if remote else min(os.cpu_count() or 1, _MOST_THREADS)) as threads:
            while first:
                for _ in threads.map(lambda one: self._one(target, one), first):
                    pass
                first = list(islice(touched, _TOGETHER))

    def _one(self, target: NDArray[Any], one: tuple[Coords, Index, Index]) -> None:
        coords, inside, part = one
        into = region(target, part)
        kept = self._kept
        if kept is not None and kept[0] == coords:
            np.copyto(into, region(kept[1], inside), casting="unsafe")
            return
        place = self._chunks.find(coords)
        if place is None:
            np.copyto(into, self._metadata.fill, casting="unsafe")
        elif not (self._chunks.raw and self._direct(place, inside, into)):
            chunk = self._decoded(place)
            np.copyto(into, region(chunk, inside), casting="unsafe")
            if chunk.nbytes <= _MOST_KEPT_BYTES and into.size < chunk.size:
                self._kept = coords, chunk

    def _direct(self, place: Found, inside: Index, into: NDArray[Any]) -> bool:
        """Read a region that is one range of a raw chunk to where it belongs, if it can be."""
        sizes = self._metadata.grid.chunk
        if into.dtype != self.spec.dtype or not into.flags.c_contiguous:
            return False
        start, size = 0, 1
        for axis in range(len(sizes) - 1, -1, -1):
            outer = all(s.stop - s.start == 1 for s in inside[:axis])
            if not outer and (inside[axis].start, inside[axis].stop) != (0, sizes[axis]):
                return False
            start += inside[axis].start * size
            size *= sizes[axis]
        itemsize = into.dtype.itemsize
        self._chunks.read_into(place, start * itemsize, into.reshape(-1).view(np.uint8))
        return True

    def _decoded(self, place: Found) -> NDArray[Any]:
        named = self._metadata.named
        flat = np.frombuffer(self._chunks.decoded(place), named.stored)
        return flat.view(named.logical).reshape(self._metadata.grid.chunk)


class Texts(ArraySource):
    """An array of strings, decoded a chunk at a time when a region of it is asked for."""

    kind = KIND

    def __init__(self, metadata: Metadata, chunks: Chunks, device: str) -> None:
        self.device = device
        self.spec = ArraySpec(metadata.shape, np.dtype(object))
        self._metadata, self._chunks = metadata, chunks
        self._kept: tuple[Coords, bytes] | None = None

    def host_bytes(self, request: Request) -> int:
        """Bytes of the elements and of the array of pointers."""
        return int(self._lengths(_whole((), self._metadata.shape)).sum())

    def fetch(self, request: Request) -> NDArray[Any]:
        """Give all elements as `bytes`, or as text when asked."""
        _refuse_view(request)
        array = self.read(())
        result = decode(array) if request.decode_text else array
        if request.out is None:
            return result
        check_out(request.out, result.shape, result.dtype)
        request.out[...] = result
        return request.out

    def read(self, index: Index) -> NDArray[Any]:
        """Give a new array of a region."""
        index = _whole(index, self._metadata.shape)
        target = np.empty([s.stop - s.start for s in index], object)
        for coords, inside, part in cut(index, self._metadata.grid.chunk):
            elements = self._parsed(coords, split)
            region(target, part)[...] = self._metadata.fill if elements is None else region(elements, inside)
        return target

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut by rows, and rows that are too large along further axes, counting each element's own length."""
        return self._cut((), max_bytes) if self._metadata.shape else iter([()])

    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the elements' own lengths."""
        return np.array([self._rows((), int(a), int(b)).sum() for a, b in pairwise(ends)])

    def _cut(self, head: Index, max_bytes: int) -> Iterator[Index]:
        axis, shape = len(head), self._metadata.shape
        for start, stop, nbytes in _spans.row_spans(
            shape[axis],
            lambda start, stop: self._rows(head, start, stop),
            max_bytes,
            least_bytes=math.prod(shape[axis + 1 :]) * _ELEMENT_OVERHEAD_BYTES,
        ):
            index = (*head, slice(start, stop))
            if nbytes <= max_bytes:
                yield index
            elif len(index) < len(shape):
                yield from self._cut(index, max_bytes)
            else:
                place = ", ".join(str(s.start) for s in index)
                raise _spans.too_large(f"row {place}" if axis == 0 else f"element ({place})", nbytes, max_bytes)

    def _rows(self, head: Index, start: int, stop: int) -> NDArray[np.int64]:
        """Give the bytes of the rows from start to stop of the part that `head` leaves."""
        found = self._lengths(_whole((*head, slice(start, stop)), self._metadata.shape))
        return found.reshape(stop - start, -1).sum(axis=1) if found.size else np.zeros(stop - start, np.int64)

    def _lengths(self, index: Index) -> NDArray[np.int64]:
        target = np.empty([s.stop - s.start for s in index], np.int64)
        for coords, inside, part in cut(index, self._metadata.grid.chunk):
            found = self._parsed(coords, lengths)
            region(target, part)[...] = len(self._metadata.fill) if found is None else region(found, inside)
        return target + _ELEMENT_OVERHEAD_BYTES

    def _parsed(self, coords: Coords, parse: Any) -> NDArray[Any] | None:
        """Give what `parse` makes of a chunk; None of one that is missing."""
        kept, place = self._kept, self._chunks.find(coords)
        if place is None:
            return None
        data = kept[1] if kept is not None and kept[0] == coords else self._chunks.decoded(place)
        if len(data) <= _MOST_KEPT_BYTES:
            self._kept = coords, data
        try:
            found: NDArray[Any] = parse(data, self._chunks.count)
        except ValueError as error:
            raise FormatError(
                f"{str(place.path)!r} is damaged: {error}; get the folder anew from where it is whole"
            ) from error
        return found.reshape(self._metadata.grid.chunk)


def _whole(index: Index, shape: tuple[int, ...]) -> Index:
    """Give a slice for every axis, with plain start and stop."""
    full = (*index, *(slice(None) for _ in shape[len(index) :]))
    spans = (s.indices(n) for s, n in zip(full, shape, strict=True))
    return tuple(slice(start, max(start, stop)) for start, stop, _ in spans)


def _refuse_view(request: Request) -> None:
    if request.copy is False and request.out is None:
        raise CopyRequired(
            "copy=False allows only a view, and a Zarr array lies in pieces; pass copy=None or copy=True"
        )


def _chained(first: list[Any], rest: Iterator[Any]) -> Iterable[Any]:
    yield from first
    yield from rest
