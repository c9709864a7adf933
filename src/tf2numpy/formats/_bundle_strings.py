"""Strings as a tensor bundle keeps them, read as far as they are asked for. What says where they lie may not enter."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._blobs import Trail
from .._host import allocate, region
from .._protocols import ArraySource
from .._sources import put_together
from .._strings import Strings
from .._types import Index
from ..wire.bundle_strings import StringTable
from ._checked import Run, Stretch, Sums
from ._reading import reading

_PIECE_BYTES = 4 << 20


class BundleStrings(Strings):
    """An array of strings in a file, compared with its checksum where all of it is read in order."""

    concurrent = True

    def __init__(self, stretch: Stretch, shape: tuple[int, ...], trail: Trail, *, kind: str) -> None:
        device = f"file {stretch.blob.name}"
        super().__init__(shape, kind=kind, device=device, why_no_view="strings lie joined in the file")
        self._stretch, self._trail = stretch, trail
        self._run = Run()

    def lengths(self, start: int, stop: int) -> NDArray[Any]:
        """Read the lengths of elements, in C order."""
        return self._table.lengths(start, stop)

    def read(self, index: Index) -> NDArray[Any]:
        """Read a region.

        Raises: ChecksumError with the last region, where all were read in C order; FormatError for wrong lengths.
        """
        full = index + tuple(slice(0, n) for n in self._shape[len(index) :])
        shape = tuple(s.stop - s.start for s in full)
        result = allocate((math.prod(shape),), np.dtype(object))
        run, done = self._run, 0
        if not result.size:
            self._sums.go_on(run, 0, 0, np.empty(0, np.uint8))  # of no strings, the lengths have a checksum
        for first, count in _spans.runs(self._shape, full, 1):
            for start, stop, _ in _spans.row_spans(count, functools.partial(self._lengths_from, first), _PIECE_BYTES):
                run = self._take(result[done : done + stop - start], first + start, run)
                done += stop - start
        self._run = run
        return result.reshape(shape)

    @functools.cached_property
    def _table(self) -> StringTable:
        whole = self._stretch
        with reading("the tensor ", repr(whole.name), " of ", repr(whole.blob.name)):
            return StringTable(whole.read, whole.nbytes, math.prod(self._shape), check=whole.crc is not None)

    @functools.cached_property
    def _after(self) -> Stretch:
        """What follows the lengths: the bytes of the strings."""
        return self._stretch._replace(start=self._stretch.start + self._table.start, before=self._table.crc)

    @functools.cached_property
    def _sums(self) -> Sums:
        return Sums(self._after, self._trail)

    def _lengths_from(self, first: int, start: int, stop: int) -> NDArray[Any]:
        return self._table.lengths(first + start, first + stop)

    def _take(self, target: NDArray[Any], first: int, run: Run) -> Run:
        """Fill a flat array with the elements from `first` on."""
        lengths = self._table.lengths(first, first + len(target))
        begin = self._table.begin(first)
        ends = np.cumsum(lengths).tolist()
        found = self._after.read(begin, begin + ends[-1])
        run = self._sums.go_on(run, begin, begin + ends[-1], found)
        data = found.tobytes()
        target[:] = [data[start:stop] for start, stop in zip([0, *ends[:-1]], ends, strict=True)]
        return run


class JoinedStrings(Strings):
    """An array of strings in parts, which cover it without overlapping."""

    def __init__(self, shape: tuple[int, ...], parts: Sequence[tuple[Index, ArraySource]], *, kind: str) -> None:
        device = ", ".join(dict.fromkeys(source.device for _, source in parts))
        super().__init__(shape, kind=kind, device=device, why_no_view="strings lie joined in the file")
        self._parts = parts

    def lengths(self, start: int, stop: int) -> NDArray[Any]:
        """Give the lengths of elements, in C order of the whole."""
        return self._lengths[start:stop]

    def read(self, index: Index) -> NDArray[Any]:
        """Read a region."""
        full = index + tuple(slice(0, n) for n in self._shape[len(index) :])
        result = allocate(tuple(s.stop - s.start for s in full), np.dtype(object))
        put_together(result, full, self._parts)
        return result

    @functools.cached_property
    def _lengths(self) -> NDArray[np.int64]:
        whole = np.empty(self._shape, np.int64)
        for place, source in self._parts:
            assert isinstance(source, Strings)
            part = region(whole, place)
            part[...] = source.lengths(0, part.size).reshape(part.shape)
        return whole.reshape(-1)
