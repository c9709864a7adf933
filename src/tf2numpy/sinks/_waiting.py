"""The rows of one array that came and are not written yet. No file format may enter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._types import ArraySpec


class Waiting:
    """Pieces of an array in their order. count: the rows that wait. stop: those that came at all."""

    def __init__(self, spec: ArraySpec) -> None:
        self._pieces: list[NDArray[Any]] = []
        self._none = np.empty((0, *(n or 0 for n in spec.shape[1:])), spec.dtype)
        self.count = self.stop = 0

    def put(self, rows: NDArray[Any]) -> None:
        """Add the next rows, which nobody may change."""
        if len(rows):
            self._pieces.append(rows)
            self.count += len(rows)
            self.stop += len(rows)

    def peek(self) -> NDArray[Any]:
        """Give all rows that wait, joined."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces, dtype=self._none.dtype)]
        return self._pieces[0] if self._pieces else self._none

    def take(self, rows: int, *, also: int = 0) -> NDArray[Any]:
        """Give the first rows, and so many after them that go on waiting; a view where one piece has them all."""
        wanted = rows + also
        if not self._pieces or not wanted:
            return self._none
        if len(self._pieces[0]) < wanted:
            self.peek()
        found = self._pieces[0][:wanted]
        self.count -= rows
        if rows == len(self._pieces[0]):
            del self._pieces[0]
        else:
            self._pieces[0] = self._pieces[0][rows:]
        return found
