"""RaggedTensor becomes RaggedArray over its own values and row_splits, cut into pieces by whole rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._protocols import ArraySource, Group, Resolve
from .._ragged import RaggedArray
from .._sources import structural
from .._types import Chunk, Request
from .symbolic import refuse_symbolic


def ragged(x: Any, resolve: Resolve) -> Group:
    """Give values and row_splits, at every ragged rank, of a RaggedTensor."""
    if not hasattr(x.row_splits, "backing_device"):
        refuse_symbolic(x.row_splits)
    return _group("ragged tensor", resolve(x.values), structural(resolve(x.row_splits)))


def array(x: RaggedArray, resolve: Resolve) -> Group:
    """Take a RaggedArray of ours apart, to save or cut it."""
    return _group("ragged array", resolve(x.values), structural(resolve(x.row_splits)))


def _group(kind: str, values: Any, row_splits: Any) -> Group:
    parts = [("values", values), ("row_splits", row_splits)]
    return Group(kind, parts, lambda built: RaggedArray(*built), rows=_Rows(values, row_splits))


class _Rows:
    """Cuts a ragged value into pieces of whole rows, reading only those rows' values."""

    def __init__(self, values: ArraySource | Group, row_splits: ArraySource) -> None:
        self._values, self._row_splits = values, row_splits

    def __call__(self, max_bytes: int) -> Iterator[Chunk]:
        """Give RaggedArrays of at most max_bytes each.

        Raises: InvalidArgument naming the first row that alone is too large.
        """
        splits, values = self._levels()
        rows = len(splits[0]) - 1
        room = max_bytes - sum(level.itemsize for level in splits)  # a piece has one split more than rows

        def bytes_of(start: int, stop: int) -> NDArray[np.int64]:
            return row_bytes(splits, values.bytes_between, start, stop)

        for start, stop, nbytes in _spans.row_spans(rows, bytes_of, room):
            if nbytes > room:
                raise _spans.too_large(f"row {start}", nbytes, room)
            yield Chunk("", (slice(start, stop),), _piece(splits, values, start, stop))

    def _levels(self) -> tuple[list[NDArray[Any]], ArraySource]:
        splits = [self._row_splits.fetch(Request(copy=None))]
        values: Any = self._values
        while isinstance(values, Group):
            (_, inner), (_, row_splits) = values.parts
            splits.append(row_splits.fetch(Request(copy=None)))  # type: ignore[union-attr]
            values = inner
        return splits, values


def row_bytes(
    splits: Sequence[NDArray[Any]],
    value_bytes: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    start: int,
    stop: int,
) -> NDArray[np.int64]:
    """Give the bytes of each row from start to stop.

    splits: the row_splits of every level, outermost first. value_bytes: the bytes of the flat values between each
    number and the next.
    """
    ends = np.arange(start, stop + 1, dtype=np.int64)
    total = np.zeros(stop - start, np.int64)
    for level in splits:
        total += np.diff(ends) * level.itemsize
        ends = level[ends].astype(np.int64, copy=False)
    return total + value_bytes(ends)


def _piece(splits: list[NDArray[Any]], values: ArraySource, start: int, stop: int) -> RaggedArray:
    local = []
    for level in splits:
        local.append(level[start : stop + 1] - level[start])
        start, stop = int(level[start]), int(level[stop])
    piece: Any = values.read((slice(start, stop),))
    piece = piece if piece.flags.writeable else np.array(piece)
    for row_splits in reversed(local):
        piece = RaggedArray(piece, row_splits)
    return piece  # type: ignore[no-any-return]
