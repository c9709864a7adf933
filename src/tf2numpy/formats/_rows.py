"""Arrays whose rows lie in messages all over some files, decoded when they are read. What they say may not enter."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob
from .._errors import CopyRequired
from .._host import allocate, hand_out
from .._sources import Numeric
from .._strings import Strings
from .._types import ArraySpec, Index, Request
from ._reading import reading

# Turns a message into the elements that it adds to an array.
Decode = Callable[[memoryview], NDArray[Any]]

KIND = "event log"
_WHY = "its elements lie in pieces in the file"


class Places:
    """Where the message of each row lies: which file, from where on, how many bytes."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self._blobs = blobs
        self._files, self._starts, self._sizes = array("i"), array("q"), array("q")

    def __len__(self) -> int:
        return len(self._files)

    def add(self, file: int, start: int, size: int) -> None:
        """Add a row."""
        self._files.append(file)
        self._starts.append(start)
        self._sizes.append(size)

    def read(self, row: int) -> memoryview:
        """Give the message of a row."""
        start = self._starts[row]
        return self._blobs[self._files[row]].read(start, start + self._sizes[row]).data

    def shown(self, row: int) -> str:
        """Say where the message of a row lies."""
        return f"offset {self._starts[row]} of {self._blobs[self._files[row]].name!r}"

    @property
    def device(self) -> str:
        """The files, as a source says where it lies."""
        return f"file {', '.join(blob.name for blob in self._blobs)}"


class _Messages:
    """The messages of an array, joined along axis 0: message i holds its rows from ends[i] to ends[i + 1]."""

    def __init__(self, places: Places, decode: Decode, ends: NDArray[np.int64], rest: tuple[int, ...]) -> None:
        self.places, self.shape = places, (int(ends[-1]), *rest)
        self._decode, self._ends = decode, ends

    def pieces(self, start: int, stop: int) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Give the rows from start to stop, message by message, each with their place after start."""
        at = int(np.searchsorted(self._ends, start, "right")) - 1
        while start < stop:
            begin, end = int(self._ends[at]), int(self._ends[at + 1])
            if end > start:
                with reading(f"the value at {self.places.shown(at)}"):
                    rows = self._decode(self.places.read(at)).reshape(end - begin, *self.shape[1:])
                low, high = max(begin, start), min(end, stop)
                yield slice(low - start, high - start), rows[low - begin : high - begin]
            if end >= stop:
                return
            at += 1

    def region(self, index: Index, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Read a region into a new array."""
        full = index + tuple(slice(0, n) for n in self.shape[len(index) :])
        result = allocate(tuple(s.stop - s.start for s in full), dtype)
        for place, rows in self.pieces(full[0].start, full[0].stop):
            result[place] = rows[(slice(None), *full[1:])]
        return result


class NumberRows(Numeric):
    """An array of numbers."""

    def __init__(
        self, places: Places, decode: Decode, ends: NDArray[np.int64], rest: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._messages = _Messages(places, decode, ends, rest)
        self.kind, self.device = KIND, places.device
        self.spec = ArraySpec(self._messages.shape, dtype)

    def host_bytes(self, request: Request) -> int:
        """Bytes of the new array: there is never a view."""
        return self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Read all messages, each once."""
        if request.copy is False and request.out is None:
            raise CopyRequired(f"copy=False allows only a view, and {_WHY}; pass copy=None or copy=True")
        return hand_out(self.read((slice(0, self.shape[0]),)), request, owned=True)

    def read(self, index: Index) -> NDArray[Any]:
        """Read the messages of a region."""
        return self._messages.region(index, self.spec.dtype)


class StringRows(Strings):
    """An array of strings."""

    def __init__(self, places: Places, decode: Decode, ends: NDArray[np.int64], rest: tuple[int, ...]) -> None:
        self._messages = _Messages(places, decode, ends, rest)
        super().__init__(self._messages.shape, kind=KIND, device=places.device, why_no_view=_WHY)

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Read the messages of elements, for nothing else says how long they are."""
        size = math.prod(self._shape[1:])
        first = start // size
        rows = [piece.reshape(-1) for _, piece in self._messages.pieces(first, -(-stop // size))]
        flat = np.concatenate([np.empty(0, object), *rows])[start - first * size : stop - first * size]
        return np.fromiter(map(len, flat), np.int32, stop - start)

    def read(self, index: Index) -> NDArray[Any]:
        """Read the messages of a region."""
        return self._messages.region(index, self.spec.dtype)


def strings(elements: Sequence[bytes]) -> NDArray[Any]:
    """Give an array of strings."""
    result = np.empty(len(elements), object)
    result[:] = elements
    return result
