"""The arrays of one column of a table: values, the bounds of ragged rows, what is missing. No file may enter.

Their sizes below the rows are known once the column was read, which is done when they are first asked for.
"""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._errors import CopyRequired, FormatError
from .._host import allocate, hand_out, read_only
from .._sources import Numeric
from .._strings import Strings
from .._types import ArraySpec, Index, Request
from ._arrow_pieces import Column, gathered
from ._arrow_types import Kind
from ._arrow_values import is_there, lengths, values

_WHY = "its rows lie in pieces in the file"
_STEP_BYTES = 8 << 20


class _Rows(Numeric):
    """An array of numbers over the items of one level of a column."""

    def __init__(self, column: Column, level: int) -> None:
        self.kind, self.device = column.table.kind, column.table.device
        self._column, self._level = column, level

    def _count(self) -> int:
        return int(self._column.ends(self._level)[-1])

    @abstractmethod
    def _items(self, start: int, stop: int) -> NDArray[Any]:
        """Read items, as a view, or as an array that nothing else holds."""

    @property
    def _is_view(self) -> bool:
        """Whether the whole is a view of the file."""
        return False

    def host_bytes(self, request: Request) -> int:
        """Bytes of the new array; none for a view."""
        return self._copied_bytes(request, movable=not self._is_view)

    def fetch(self, request: Request) -> NDArray[Any]:
        """View the whole, or read it piece by piece to its place."""
        rows = self.shape[0]
        if self._is_view:
            return hand_out(self._items(0, rows), request, owned=False)
        if request.copy is False and request.out is None:
            raise CopyRequired(f"copy=False allows only a view, and {_WHY}; pass copy=None or copy=True")
        result = allocate(self.shape, self.spec.dtype)
        step = max(1, _STEP_BYTES // max(1, self.spec.row_nbytes))
        for start in range(0, rows, step):
            result[start : start + step] = self._items(start, min(start + step, rows))
        return hand_out(result, request, owned=True)

    def read(self, index: Index) -> NDArray[Any]:
        """Read the rows of a region, and of these the rest of it."""
        rows = index[0] if index else slice(0, self.shape[0])
        found = self._items(rows.start, rows.stop)
        part = found[(slice(None), *index[1:])]
        if not found.flags.writeable:
            return part
        return part if part.shape == found.shape else part.copy()


class Values(_Rows):
    """The innermost values of a column."""

    def __init__(self, column: Column, kind: Kind, *, missing: bool) -> None:
        super().__init__(column, column.depth)
        self._kind, self._missing = kind, missing

    @functools.cached_property
    def spec(self) -> ArraySpec:  # type: ignore[override]
        """The shape, for which a ragged column is read once."""
        return ArraySpec((self._count(), *self._kind.shape), self._kind.dtype)

    @property
    def _is_view(self) -> bool:
        table = self._column.table
        in_one = len(table.ends) == 2 and not self._column.depth and not self._missing
        return in_one and table.is_mapped and self._kind.is_as_stored

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut into regions; of a mapped file none spans two pieces, so that each is a view."""
        if not self._column.table.is_mapped or self._column.depth or len(self._column.table.ends) < 3:
            yield from super().regions(max_bytes)
            return
        for start, stop in pairwise(self._column.table.ends.tolist()):
            for index in _spans.regions((stop - start, *self.shape[1:]), self.spec.dtype.itemsize, max_bytes):
                yield (*_spans.shift(index[:1], [start]), *index[1:])

    def _items(self, start: int, stop: int) -> NDArray[Any]:
        pa, kind = self._column.pa, self._kind

        def make(array: Any, low: int, high: int) -> NDArray[Any]:
            return values(pa, array.slice(low, high - low), kind, missing=self._missing)

        empty = np.empty((0, *kind.shape), kind.dtype)
        return gathered(self._column, self._level, start, stop, make, empty)


class Missing(_Rows):
    """Which items of a level are missing."""

    @functools.cached_property
    def spec(self) -> ArraySpec:  # type: ignore[override]
        """As many as there are items."""
        return ArraySpec((self._count(),), np.dtype(bool), structural=True)

    def _items(self, start: int, stop: int) -> NDArray[Any]:
        def make(array: Any, low: int, high: int) -> NDArray[Any]:
            there = is_there(array.slice(low, high - low))
            return np.zeros(high - low, bool) if there is None else ~there

        return gathered(self._column, self._level, start, stop, make, np.empty(0, bool))


class Splits(_Rows):
    """Where the rows of a ragged axis begin, and the last one ends, among the items of the level below."""

    def __init__(self, column: Column, level: int, dtype: np.dtype[Any], *, missing: bool) -> None:
        super().__init__(column, level)
        self._dtype, self._missing = dtype, missing
        self._kept: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    @functools.cached_property
    def spec(self) -> ArraySpec:  # type: ignore[override]
        """One more than there are rows."""
        return ArraySpec((self._count() + 1,), self._dtype, structural=True)

    def _items(self, start: int, stop: int) -> NDArray[Any]:
        begins, below = self._column.ends(self._level), self._column.ends(self._level + 1)
        if below[-1] > np.iinfo(self._dtype).max:
            raise FormatError(f"{below[-1]} values are more than row_splits of {self._dtype} can count")
        result, at = np.zeros(stop - start, self._dtype), max(start - 1, 0)
        with self._column.lock, self._column.reading():
            for first, array in self._column.pieces(self._level, at, max(stop - 1, at)):
                piece = int(np.searchsorted(begins, first, side="right")) - 1
                ends = self._ends(piece, array)[max(at - first, 0) : stop - 1 - first]
                place = first + max(at - first, 0) + 1 - start
                result[place : place + len(ends)] = ends + below[piece]
        return result

    def _ends(self, piece: int, array: Any) -> NDArray[np.int64]:
        """Give where the rows of a piece end among the items of the piece, one row after the other."""
        if self._kept[0] != piece:
            if array.null_count and not self._missing:
                raise ValueError("some rows are null, and what is said of them tells none")
            counted = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
            self._kept = piece, np.cumsum(counted, dtype=np.int64)
        return self._kept[1]


class Texts(Strings):
    """The innermost values of a column, where these are bytes."""

    def __init__(self, column: Column, kind: Kind, *, missing: bool) -> None:
        self._column, self._inner, self._missing = column, kind, missing
        super().__init__((), kind=column.table.kind, device=column.table.device, why_no_view=_WHY)
        del self.spec, self._shape  # known later
        self._counted: NDArray[np.int32] | None = None

    @functools.cached_property
    def spec(self) -> ArraySpec:  # type: ignore[override]
        """The shape, for which a ragged column is read once."""
        return ArraySpec(self._shape, np.dtype(object))

    @functools.cached_property
    def _shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (int(self._column.ends(self._column.depth)[-1]), *self._inner.shape)

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Count the bytes of elements, without making them.

        Of those that must be decoded all are counted, once: to go back and forth would mean to decode them anew.
        """
        if self._column.table.is_mapped:
            return self._lengths(start, stop)
        if self._counted is None:
            ends = self._column.ends(self._column.depth) * math.prod(self._inner.shape)
            counts = [self._lengths(*one) for one in pairwise(ends.tolist())]
            self._counted = np.concatenate([np.empty(0, np.int32), *counts])
        return self._counted[start:stop]

    def _lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        size = math.prod(self._inner.shape)
        first, last = start // size, -(-stop // size)

        def make(array: Any, low: int, high: int) -> NDArray[Any]:
            return lengths(self._column.pa, array.slice(low, high - low), self._inner).reshape(high - low, size)

        found = gathered(self._column, self._column.depth, first, last, make, np.empty((0, size), np.int32))
        return read_only(found.reshape(-1))[start - first * size : stop - first * size]

    def read(self, index: Index) -> NDArray[Any]:
        """Make the elements of a region."""
        rows = index[0] if index else slice(0, self._shape[0])

        def make(array: Any, low: int, high: int) -> NDArray[Any]:
            part = array.slice(low, high - low)
            return values(self._column.pa, part, self._inner, missing=self._missing)

        empty = np.empty((0, *self._inner.shape), object)
        found = gathered(self._column, self._column.depth, rows.start, rows.stop, make, empty)
        return found[(slice(None), *index[1:])]
