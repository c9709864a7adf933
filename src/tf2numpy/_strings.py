"""What sources of strings share: elements of differing size, counted before they are made. No origin may enter.

An element becomes `bytes`, NULs kept, or decoded text on request.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _spans
from ._errors import CopyRequired
from ._host import check_out
from ._protocols import ArraySource
from ._text import decode
from ._types import ArraySpec, Index, Request

# What CPython 3.11 takes for one element beside its bytes: the array's pointer and the header of `bytes`.
_ELEMENT_OVERHEAD_BYTES = 8 + 33

# Elements whose lengths are alive at once. TensorFlow cuts a multiple of 8 strings off without copying them.
COUNTED_TOGETHER = 1 << 13


def held_bytes(elements: NDArray[Any]) -> NDArray[np.int64]:
    """Give the host bytes of each element of an array of `bytes`, or of text of as many characters."""
    lengths = np.fromiter(map(len, elements.flat), np.int64, elements.size)
    return lengths.reshape(elements.shape) + _ELEMENT_OVERHEAD_BYTES


class Strings(ArraySource):
    """An array of strings, of known shape. There is never a view of one."""

    def __init__(self, shape: tuple[int, ...], *, kind: str, device: str, why_no_view: str) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(shape, np.dtype(object))
        self._shape, self._why_no_view = shape, why_no_view

    @abstractmethod
    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Give the lengths in bytes of the elements, in C order, from start to stop."""

    def host_bytes(self, request: Request) -> int:
        """Bytes of the elements and of the array of pointers."""
        return int(self._element_bytes(np.array([0, math.prod(self._shape)]))[0])

    def fetch(self, request: Request) -> NDArray[Any]:
        """Give all elements as `bytes`, or as text when asked."""
        if request.copy is False and request.out is None:
            raise CopyRequired(f"copy=False allows only a view, and {self._why_no_view}; pass copy=None or copy=True")
        array = self.read(tuple(slice(0, n) for n in self._shape[:1]))
        result = decode(array) if request.decode_text else array
        if request.out is None:
            return result
        check_out(request.out, result.shape, result.dtype)
        request.out[...] = result
        return request.out

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut by rows, and rows that are too large along further axes, counting each element's own length."""
        if self.spec.shape:
            return self._cut((), 0, max_bytes)
        return iter([()])

    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the elements' own lengths."""
        return self._element_bytes(ends * math.prod(self._shape[1:]))

    def _cut(self, head: Index, first: int, max_bytes: int) -> Iterator[Index]:
        """Cut the part that `head`, one index on each axis so far, leaves; its elements begin at `first`."""
        axis = len(head)
        size = math.prod(self._shape[axis + 1 :])  # of one row of this part, in elements

        def bytes_of(start: int, stop: int) -> NDArray[np.int64]:
            return self._element_bytes(first + np.arange(start, stop + 1, dtype=np.int64) * size)

        for start, stop, nbytes in _spans.row_spans(
            self._shape[axis], bytes_of, max_bytes, least_bytes=size * _ELEMENT_OVERHEAD_BYTES
        ):
            index = (*head, slice(start, stop))
            if nbytes <= max_bytes:
                yield index
            elif len(index) < len(self._shape):
                yield from self._cut(index, first + start * size, max_bytes)
            else:
                place = ", ".join(str(s.start) for s in index)
                raise _spans.too_large(f"row {place}" if axis == 0 else f"element ({place})", nbytes, max_bytes)

    def _element_bytes(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the bytes of the elements, in C order, between each of `ends` and the next."""
        total = np.diff(ends) * _ELEMENT_OVERHEAD_BYTES
        for start in range(int(ends[0]), int(ends[-1]), COUNTED_TOGETHER):
            lengths = self.lengths(start, min(start + COUNTED_TOGETHER, int(ends[-1])))
            running = np.zeros(lengths.size + 1, np.int64)
            np.cumsum(lengths, out=running[1:])
            total += np.diff(running[np.clip(ends - start, 0, lengths.size)])
        return total
