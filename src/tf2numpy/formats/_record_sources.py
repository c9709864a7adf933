"""The arrays of a table of records, each read by itself, group by group. What the records are may not enter."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._host import allocate, hand_out
from .._protocols import ArraySource
from .._sources import Numeric, structural
from .._strings import Strings
from .._types import ArraySpec, Index, Request, joined
from ._example_images import Pixels
from ._example_parts import Part
from ._record_table import AnyLayout, Table

_WHY = "its values lie in the records of a file"


class _Flat:
    """One part of a column: from where on each group has its entries."""

    def __init__(self, table: Table, layout: AnyLayout, part: Part) -> None:
        counts = table.counts(layout)
        self._table, self._layout, self._part = table, layout, part
        self._ends = counts[part.name]
        self._bases = counts[part.cuts] if part.cuts else None
        self.shape = (int(self._ends[-1]) + bool(part.cuts), *part.inner)

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, NDArray[Any] | Pixels]]:
        """Give the entries from start to stop in pieces: where each begins, and the piece."""
        first = max(0, int(np.searchsorted(self._ends, start, "right")) - 1)
        for group in range(first, len(self._ends) - 1):
            low, high = int(self._ends[group]), int(self._ends[group + 1])
            if low >= stop:
                break
            if max(low, start) >= high:
                continue
            found = self._table.group(self._layout, group)[self._part.name]
            piece = found[max(start - low, 0) : min(stop, high) - low]
            yield max(start, low), piece if self._bases is None else piece + self._bases[group]
        if self._bases is not None and start < stop == self.shape[0]:
            yield stop - 1, self._bases[-1:]

    def fill(self, target: NDArray[Any], start: int) -> None:
        """Fill an array with the entries from start on."""
        for at, piece in self.pieces(start, start + len(target)):
            part = target[at - start : at - start + len(piece)]
            if isinstance(piece, Pixels):
                piece.fill(part)
            else:
                part[...] = piece


class _Numbers(Numeric):
    """Numbers of fixed size."""

    def __init__(self, flat: _Flat, part: Part, kind: str, device: str) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(flat.shape, part.dtype)
        self._flat = flat

    def host_bytes(self, request: Request) -> int:
        """Bytes of the new array: there are no views."""
        return self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Decode all of it."""
        found = self.read(()) if request.copy is not False or request.out is not None else np.empty(0, self.spec.dtype)
        return hand_out(found, request, owned=True, why_no_view=_WHY)

    def read(self, index: Index) -> NDArray[Any]:
        """Decode the groups that a region touches."""
        rows = index[0] if index else slice(0, self.shape[0])
        found = allocate((rows.stop - rows.start, *self.shape[1:]), self.spec.dtype)
        self._flat.fill(found, rows.start)
        return found[(slice(None), *index[1:])]


class _Texts(Strings):
    """Byte strings."""

    def __init__(self, flat: _Flat, kind: str, device: str) -> None:
        super().__init__(flat.shape, kind=kind, device=device, why_no_view=_WHY)
        self._flat = flat

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Count the bytes of elements."""
        return np.fromiter(map(len, self._elements(start, stop)), np.int32, stop - start)

    def read(self, index: Index) -> NDArray[Any]:
        """Decode the groups that a region touches."""
        rows = index[0] if index else slice(0, self._shape[0])
        found = np.empty((rows.stop - rows.start, *self._shape[1:]), object)
        self._flat.fill(found, rows.start)
        return found[(slice(None), *index[1:])]

    def _elements(self, start: int, stop: int) -> Iterator[bytes]:
        size = int(np.prod(self._shape[1:], dtype=np.int64))
        rows = slice(start // size, -(-stop // size)) if size else slice(0, 0)
        flat = self.read((rows,)).reshape(-1)
        return itertools.islice(flat, start - rows.start * size, stop - rows.start * size)


def sources_of(table: Table, layout: AnyLayout, kind: str) -> dict[str, ArraySource]:
    """Give the arrays of one column, by name."""
    found: dict[str, ArraySource] = {}
    device = f"file {table.shown}"
    for part in layout.parts:
        flat = _Flat(table, layout, part)
        source = _Texts(flat, kind, device) if part.dtype.hasobject else _Numbers(flat, part, kind, device)
        found[joined(layout.name, part.name)] = structural(source) if part.cuts else source
    return found
