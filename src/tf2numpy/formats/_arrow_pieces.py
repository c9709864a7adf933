"""A column of a table in pieces that are read one at a time, and what lies under its ragged axes. No dtype may enter.

The sources that share a column share the piece that was read last, so that rows and their bounds, read in turns, are
decoded once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._host import allocate
from ._arrow_file import finding_damage


class Table(ABC):
    """The columns of a file, cut into the same pieces of rows.

    shown: the file, for messages. device: where its arrays lie. ends: the first row of each piece, and the number of
    rows. is_mapped: what is read of it is a view of the file, and costs nothing.
    """

    shown: str
    device: str
    kind: str
    ends: NDArray[np.int64]
    is_mapped: bool = False

    @abstractmethod
    def group_of(self, piece: int) -> int:
        """Give the first piece of the group that a piece is in: reading can only begin there."""

    @abstractmethod
    def read(self, column: int, piece: int) -> Iterator[Any]:
        """Give the arrays of a column from a piece on that begins a group, to the end of the group or further."""


class Column:
    """A column, read on from where it was left where that is the shortest way. depth: how many ragged axes it has."""

    def __init__(self, pa: Any, table: Table, number: int, name: str, depth: int) -> None:
        self.pa, self.table, self.depth = pa, table, depth
        self._number, self._name = number, name
        self.lock = threading.RLock()
        self._at = -1  # the piece whose arrays, of each level, are kept
        self._kept: list[Any] = []
        self._rest: Iterator[Any] = iter(())
        self._ends: list[NDArray[np.int64]] = []

    def reading(self) -> Any:
        """Give a context that says of damage where it was found."""
        return finding_damage(f"the column {self._name!r} of {self.table.shown}")

    def ends(self, level: int) -> NDArray[np.int64]:
        """Give where the items of a level begin in each piece, and their number; below the rows it takes one pass."""
        if not level:
            return self.table.ends
        with self.lock:
            if not self._ends:
                counts = np.array([[len(array) for array in arrays] for arrays in self._all()], np.int64)
                counts = counts.reshape(-1, self.depth + 1)
                self._ends = [np.concatenate([[0], np.cumsum(counts[:, one])]) for one in range(self.depth + 1)]
            return self._ends[level]

    def are_missing(self) -> list[bool]:
        """Say of each level whether anything is missing there; it takes one pass."""
        found = [False] * (self.depth + 1)
        for arrays in self._all():
            found = [one or bool(array.null_count) for one, array in zip(found, arrays, strict=True)]
        return found

    def pieces(self, level: int, start: int, stop: int) -> Iterator[tuple[int, Any]]:
        """Give the arrays that have the items of a level from start to stop, whole, each with its first item's number.

        The lock is to be held.
        """
        ends = self.ends(level)
        piece = int(np.searchsorted(ends, start, side="right")) - 1
        while start < stop:
            if ends[piece + 1] > start:
                array = self._piece(piece)[level]
                if len(array) != ends[piece + 1] - ends[piece]:
                    raise FormatError("it has other rows than when it was opened; it was changed since")
                yield int(ends[piece]), array
                start = int(ends[piece + 1])
            piece += 1

    def _all(self) -> Iterator[list[Any]]:
        with self.reading():
            for piece in range(len(self.table.ends) - 1):
                yield self._piece(piece)

    def _piece(self, piece: int) -> list[Any]:
        """Give the arrays of all levels of a piece."""
        if piece != self._at:
            at, self._at = self._at, -1  # until it is read
            begin = self.table.group_of(piece)
            if not begin <= at < piece:
                self._rest, at = self.table.read(self._number, begin), begin - 1
            array = next(islice(self._rest, piece - at - 1, None), None)
            if array is None:
                raise FormatError(f"it ends before row {self.table.ends[piece]} of {self.table.ends[-1]}")
            self._kept, self._at = list(self._levels(array)), piece
        return self._kept

    def _levels(self, array: Any) -> Iterator[Any]:
        yield array
        for _ in range(self.depth):  # Arrow cannot flatten lists that are all null, nor none at all
            array = array.flatten() if array.null_count < len(array) else array.values.slice(0, 0)
            yield array


Make = Callable[[Any, int, int], NDArray[Any]]


def gathered(column: Column, level: int, start: int, stop: int, make: Make, empty: NDArray[Any]) -> NDArray[Any]:
    """Put the items of a level from start to stop together: a view where one piece has them all, and `make` gives one.

    make: takes an array of pyarrow's, and where the wanted items begin and end in it. empty: what there is of none.
    """
    result, done = empty, 0
    with column.lock, column.reading():
        for first, array in column.pieces(level, start, stop):
            low, high = max(start - first, 0), min(stop - first, len(array))
            part = make(array, low, high)
            if len(part) == stop - start:
                return part
            if not done:
                result = allocate((stop - start, *empty.shape[1:]), empty.dtype)
            result[done : done + len(part)] = part
            done += len(part)
    return result
