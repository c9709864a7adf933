"""A source as a stream of pieces that have the same rows of all its arrays, for outputs that are one table.

Each array is read once, from its first row to its last. What becomes of the pieces may not enter.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _fetch, _spans
from ._errors import FormatError
from ._protocols import ArraySource, RowSource, Source
from ._stream import Step, steps
from ._tables import TableColumn, columns_of
from ._types import Chunk

# Rows of differing cost are looked at so many at a time at least, and at most as many as take a share of a piece.
_LEAST_WINDOW_ROWS = 1024
_WINDOW_SHARE, _BOOKKEEPING_BYTES = 16, 32


def check_one_stream(source: Source, shown: str) -> None:
    """Refuse rows that come in order beside anything else: no two such streams have a common order.

    Raises: FormatError.
    """
    leaves = [(name, leaf) for name, leaf in _fetch.leaves(source) if not isinstance(leaf, RowSource) or leaf.specs()]
    streams = [name for name, leaf in leaves if isinstance(leaf, RowSource)]
    if streams and len(leaves) > 1:
        others = [name for name, _ in leaves if name != streams[0]]
        raise FormatError(
            f"{shown} is one table, and the rows of {streams[0]!r} come one after the other, apart from those of "
            f"{', '.join(map(repr, others))}; zip them first, or save them apart"
        )


def row_steps(source: Source, max_bytes: int) -> Generator[Step, None, None]:
    """Read a source whose arrays are the columns of one table, block of rows by block of rows.

    max_bytes: host bytes of a block.
    Raises: InvalidArgument for a row that alone takes more; FormatError for row_splits that cut no rows.
    """
    leaves = dict(_fetch.leaves(source))
    if any(isinstance(leaf, RowSource) for leaf in leaves.values()):
        yield from steps(source, max_bytes)
        return
    sources = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, ArraySource)}
    specs = {name: leaf.spec for name, leaf in sources.items()}
    columns = columns_of(specs)
    rows = columns[0].rows(specs) or 0
    parts = [_Part(column, sources) for column in columns]
    start, more = 0, True
    while more:
        stop = _stop(parts, start, rows, max_bytes)
        more = stop < rows
        yield Step(tuple(chunk for part in parts for chunk in part.read(start, stop, last=not more)), 0, {})
        start = stop


class _Part:
    """The arrays of one column, read from the first row on."""

    def __init__(self, column: TableColumn, sources: dict[str, ArraySource]) -> None:
        self._column, self._sources = column, sources
        self._splits = [_Forward(name, sources[name]) for name in column.splits]
        values = sources[column.values]
        self._values, self._spec, self._begun = values, values.spec, False
        self._costs, self._costed = np.empty(0, np.int64), 0  # of rows that are not read yet, from that one on
        fixed = not column.splits and not values.spec.dtype.hasobject
        self.row_bytes = values.spec.row_nbytes + bool(column.missing[0]) if fixed else None

    def costs(self, start: int, count: int, max_bytes: int) -> NDArray[np.int64]:
        """Give the bytes of each of the rows from `start` on: of so many, or of as many as fit."""
        self._costs, self._costed = self._costs[start - self._costed :], start
        done = len(self._costs)
        if done < count:
            self._costs = np.concatenate([self._costs, self._counted(start + done, count - done, max_bytes)])
        return self._costs[:count]

    def _counted(self, start: int, count: int, max_bytes: int) -> NDArray[np.int64]:
        """Count level by level, and of each only what fits: the rows of one level say how much of the next is read."""
        total, ends = np.zeros(count, np.int64), np.arange(start, start + count + 1, dtype=np.int64)
        for splits, missing in zip([*self._splits, None], self._column.missing, strict=True):
            each = bool(missing) + (0 if splits is None else splits.itemsize)
            total = _fitting(start, total + np.diff(ends) * each, max_bytes)
            ends = ends[: len(total) + 1]
            if splits is not None:
                ends = splits.at(ends)
        return total + self._values.bytes_between(ends)

    def read(self, start: int, stop: int, *, last: bool) -> Iterator[Chunk]:
        """Read some rows; last: they are the last ones."""
        for splits, missing in zip([*self._splits, None], self._column.missing, strict=True):
            if missing:
                yield Chunk(missing, (slice(start, stop),), self._sources[missing].read((slice(start, stop),)))
            if splits is not None:
                ends, skipped = splits.between(start, stop), int(self._begun)  # where the first row begins, once
                yield Chunk(splits.name, (slice(start + skipped, stop + 1),), ends[skipped:])
                splits.forget(stop)
                start, stop = int(ends[0]), int(ends[-1])
        self._begun = True
        count = self._spec.shape[0]
        if last and stop != count:
            name = self._column.splits[-1]
            raise FormatError(f"{name!r} goes up to {stop}, and {self._column.values!r} has {count} rows")
        yield Chunk(self._column.values, (slice(start, stop),), self._values.read((slice(start, stop),)))


class _Forward:
    """row_splits, read once and on: what was read ahead waits."""

    def __init__(self, name: str, source: ArraySource) -> None:
        self.name, self.itemsize = name, source.spec.dtype.itemsize
        self._source = source
        self._first = 0
        self._held: NDArray[Any] = np.empty(0, source.spec.dtype)

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Give those of the rows from start to stop, both ends among them.

        Raises: FormatError for those that are not where rows can begin.
        """
        have = self._first + len(self._held)
        if stop >= have:
            count = self._source.spec.shape[0] or 0
            if stop >= count:
                raise FormatError(f"{self.name!r} has {count} elements, and {stop + 1} are needed")
            more = self._source.read((slice(have, stop + 1),))
            self._held = np.concatenate([self._held, more], dtype=more.dtype)
            self._check(have - self._first)
        return self._held[start - self._first : stop + 1 - self._first]

    def forget(self, start: int) -> None:
        """Keep only those from a row on: no earlier one will be asked for."""
        self._held, self._first = self._held[start - self._first :].copy(), start

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give those at some rows, in rising order."""
        found: NDArray[Any] = self.between(int(rows[0]), int(rows[-1]))[rows - rows[0]]
        return found.astype(np.int64, copy=False)

    def _check(self, new: int) -> None:
        ends = self._held[max(new - 1, 0) :]
        if self._first == 0 and new == 0 and ends[0] != 0:
            raise FormatError(f"{self.name!r} begins with {ends[0]}, and row_splits begin with 0")
        falls = ends[1:] < ends[:-1]
        if falls.any():
            row = int(falls.argmax())
            raise FormatError(
                f"{self.name!r} falls at {self._first + max(new - 1, 0) + row} from {ends[row]} to {ends[row + 1]}, "
                "and row_splits never fall"
            )


def _stop(parts: list[_Part], start: int, rows: int, max_bytes: int) -> int:
    """Say where the block of rows that begins at `start` ends."""
    known = [part.row_bytes for part in parts]
    fixed = sum(one for one in known if one is not None)
    if fixed > max_bytes:
        raise _spans.too_large(f"row {start}", fixed, max_bytes)
    if None not in known:
        return min(rows, start + max_bytes // max(1, fixed))
    window = max(_LEAST_WINDOW_ROWS, max_bytes // _WINDOW_SHARE // _BOOKKEEPING_BYTES)
    total = np.full(min(window, rows - start), fixed, np.int64)
    for part, row_bytes in zip(parts, known, strict=True):
        if row_bytes is None and len(total):
            costs = part.costs(start, len(total), max_bytes)
            total = _fitting(start, total[: len(costs)] + costs, max_bytes)
    return start + len(total)


def _fitting(start: int, total: NDArray[np.int64], max_bytes: int) -> NDArray[np.int64]:
    """Leave as many of the rows from `start` on as fit together; refuse a first one that alone does not."""
    if total[0] > max_bytes:
        raise _spans.too_large(f"row {start}", int(total[0]), max_bytes)
    return total[: int(np.searchsorted(np.cumsum(total), max_bytes, side="right"))]
