"""Cut shapes into regions that fit a budget. Pure arithmetic: no array, file or device may enter.

A region is one slice per cut axis. Regions of one array are disjoint, cover it, and come in C order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ._errors import InvalidArgument
from ._types import Index
from ._units import format_bytes

# Of rows of differing cost so many are looked at together: a share of the budget pays for what is known of them.
_LEAST_WINDOW_ROWS = 1024
_WINDOW_SHARE = 16
_BOOKKEEPING_BYTES = 32  # a row


def regions(shape: Sequence[int], itemsize: int, max_bytes: int) -> Iterator[Index]:
    """Cut an array of this shape into regions of at most max_bytes.

    Whole rows of axis 0 where one row fits; else axis 0 goes one by one and the next axis is cut, and so on.
    An empty array or a scalar is one region.
    Raises: InvalidArgument if not even one element fits.

    >>> list(regions((4, 10), 1, 20))
    [(slice(0, 2, None),), (slice(2, 4, None),)]
    """
    if itemsize > max_bytes:
        raise InvalidArgument(
            f"max_bytes leaves {format_bytes(max_bytes)} for a piece, less than one element of {itemsize} bytes"
        )
    if not shape or 0 in shape:
        yield tuple(slice(0, n) for n in shape[:1])
        return
    axis, row_bytes = 0, math.prod(shape[1:]) * itemsize
    while row_bytes > max_bytes:
        axis += 1
        row_bytes //= shape[axis]
    step = max_bytes // row_bytes if row_bytes else shape[axis]
    for outer in np.ndindex(*shape[:axis]):
        head = tuple(slice(i, i + 1) for i in outer)
        for start in range(0, shape[axis], step):
            yield (*head, slice(start, min(start + step, shape[axis])))


def runs(shape: tuple[int | None, ...], index: Index, itemsize: int) -> Iterator[tuple[int, int]]:
    """Give (offset, length) in bytes of each contiguous run of a region, in C order.

    index: a slice with start and stop for every axis of `shape`.

    >>> list(runs((4, 10), (slice(1, 3), slice(5, 7)), 1))
    [(15, 2), (25, 2)]
    """
    counts = [s.stop - s.start for s in index]
    if 0 in counts:
        return
    strides = [itemsize] * len(counts)
    for axis in range(len(counts) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * (shape[axis] or 0)
    axis = max(len(counts) - 1, 0)
    while axis > 0 and counts[axis] == shape[axis]:
        axis -= 1
    length = math.prod(counts[axis:]) * itemsize
    first = sum(s.start * stride for s, stride in zip(index, strides, strict=True))
    steps = [range(0, n * stride, stride) for n, stride in zip(counts[:axis], strides, strict=False)]
    for parts in itertools.product(*steps):
        yield first + sum(parts), length


def row_spans(
    rows: int, bytes_of: Callable[[int, int], NDArray[np.int64]], max_bytes: int, *, least_bytes: int = 0
) -> Iterator[tuple[int, int, int]]:
    """Cut rows of differing cost into spans (start, stop, bytes) of at most max_bytes, or of one row that costs more.

    bytes_of: the bytes of each row from start to stop, each at least least_bytes. It is asked for a window of rows at
    a time, whose size follows from max_bytes: what is known of the rows never grows with their number.
    """
    window = max(_LEAST_WINDOW_ROWS, max_bytes // _WINDOW_SHARE // _BOOKKEEPING_BYTES)
    if window > _LEAST_WINDOW_ROWS:
        max_bytes -= max_bytes // _WINDOW_SHARE
    if least_bytes:
        window = min(window, max_bytes // least_bytes + 1)
    if rows == 0:
        yield 0, 0, 0
    for first in range(0, rows, window):
        count = min(window, rows - first)
        ends = np.zeros(count + 1, np.int64)
        np.cumsum(bytes_of(first, first + count), out=ends[1:])
        start = 0
        while start < count:
            stop = max(start + 1, int(np.searchsorted(ends, ends[start] + max_bytes, side="right")) - 1)
            yield first + start, first + stop, int(ends[stop] - ends[start])
            start = stop


def too_large(what: str, nbytes: int, max_bytes: int) -> InvalidArgument:
    """Say that something that cannot be cut does not fit into a piece."""
    return InvalidArgument(
        f"{what} alone needs {format_bytes(nbytes)} and max_bytes leaves {format_bytes(max_bytes)} for a piece; "
        "give a larger max_bytes"
    )


def shift(index: Index, offsets: Sequence[int]) -> Index:
    """Move a region by an offset per axis: from a part's own coordinates to the whole's.

    >>> shift((slice(0, 2),), (10,))
    (slice(10, 12, None),)
    """
    return tuple(slice(s.start + o, s.stop + o) for s, o in zip(index, offsets, strict=False))
