"""Array sources over host memory, which several kinds share. Nothing of TensorFlow may enter.

HostArray: a buffer that others can reach too. Plain: a value that is NumPy's or Python's already.
Pieced: one array whose regions lie in several sources. `gather` puts a whole tree of sources together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _spans
from ._errors import CopyRequired, UnsupportedKind, at_leaf
from ._host import allocate, check_out, cpus, hand_out, read_only, region
from ._protocols import ArraySource, Group, RowSource, Source
from ._strings import held_bytes
from ._types import ArraySpec, Index, Request

_WORTH_THREADS_BYTES = 32 << 20  # a thread pool takes some 100 us to start
_MOST_THREADS = 4  # more wait for the memory, not for a processor


class Numeric(ArraySource):
    """What every source of fixed-size elements has in common: sizes follow from shape and dtype."""

    kind: str
    device: str
    spec: ArraySpec

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes, all of them known."""
        return tuple(n for n in self.spec.shape if n is not None)

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut the array into regions of at most max_bytes, in C order."""
        return _spans.regions(self.shape, self.spec.dtype.itemsize, max_bytes)

    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the bytes of the rows between each of `ends` and the next."""
        return np.diff(ends) * self.spec.row_nbytes

    def _copied_bytes(self, request: Request, *, movable: bool) -> int:
        """Bytes of the new array that `fetch` makes; movable: even a view-taker gets a new one."""
        if request.out is not None:
            return 0
        dtype = request.dtype or self.spec.dtype
        if request.copy or movable or dtype != self.spec.dtype:
            return int(np.prod(self.shape, dtype=object)) * dtype.itemsize
        return 0


class HostArray(Numeric):
    """A buffer in host memory that others can reach: a view is free, independence is one copy."""

    def __init__(self, array: NDArray[Any], *, kind: str, device: str) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(array.shape, array.dtype)
        self._array = array

    def host_bytes(self, request: Request) -> int:
        """Bytes a copy takes; none for a view."""
        return self._copied_bytes(request, movable=False)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Copy, cast or view the buffer."""
        return hand_out(self._array, request, owned=False)

    def read(self, index: Index) -> NDArray[Any]:
        """View a region."""
        return region(self._array, index)

    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the bytes of the rows between each of `ends` and the next, those of strings among them."""
        return _bytes_between(self._array, ends)


class Plain(Numeric):
    """An ndarray, a Python number or text: it passes through unchanged, as the very object it is."""

    kind, device = "numpy", "host"

    def __init__(self, value: Any) -> None:
        self._value = value
        if isinstance(value, str | bytes):
            self._array = np.empty((), object)
            self._array[()] = value.encode() if isinstance(value, str) else value
        else:
            self._array = np.asarray(value)
        self.spec = ArraySpec(self._array.shape, self._array.dtype)

    def host_bytes(self, request: Request) -> int:
        """Bytes that a cast takes; none otherwise."""
        return 0 if self._unchanged(request) else self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> Any:
        """Give the object itself, unless a cast or a buffer to fill was asked."""
        return self._value if self._unchanged(request) else hand_out(self._whole(), request, owned=False)

    def read(self, index: Index) -> NDArray[Any]:
        """View a region."""
        return read_only(region(self._whole(), index))

    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the bytes of the rows between each of `ends` and the next, those of strings among them."""
        return _bytes_between(self._whole(), ends)

    def _whole(self) -> NDArray[Any]:
        """Give the array; refuse a masked one, whose mask would be lost."""
        if isinstance(self._value, np.ma.MaskedArray):
            raise UnsupportedKind(
                "a masked array is two arrays, and only one would be kept; "
                "give {'data': x.data, 'mask': np.ma.getmaskarray(x)}, or x.filled(value)"
            )
        return self._array

    def _unchanged(self, request: Request) -> bool:
        if request.out is not None:
            return False
        return request.dtype in (None, self._array.dtype) or not isinstance(self._value, np.ndarray | np.generic)


class Pieced(Numeric):
    """One array whose disjoint regions are other sources: shards of a variable, replicas side by side."""

    def __init__(self, shape: tuple[int, ...], pieces: Sequence[tuple[Index, ArraySource]], *, kind: str) -> None:
        self.kind = kind
        self.device = ", ".join(dict.fromkeys(source.device for _, source in pieces))
        self.spec = ArraySpec(shape, pieces[0][1].spec.dtype)
        self.concurrent = all(source.concurrent for _, source in pieces)
        self.cached_bytes = min((source.cached_bytes for _, source in pieces if source.cached_bytes), default=None)
        self._pieces = pieces

    def host_bytes(self, request: Request) -> int:
        """Bytes of the whole: no view of several buffers can exist."""
        return self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Copy each piece once, straight to its place."""
        if request.copy is False:
            raise CopyRequired(
                f"copy=False allows only a view, and this {self.kind} lies in {len(self._pieces)} buffers; "
                "pass copy=None or copy=True"
            )
        dtype = request.dtype or self.spec.dtype
        if request.out is None:
            whole = allocate(self.shape, dtype)
        else:
            check_out(request.out, self.shape, dtype)
            whole = request.out
        for index, source in self._pieces:
            source.fetch(Request(out=whole[index], dtype=dtype))
        return whole

    def read(self, index: Index) -> NDArray[Any]:
        """Read a region that lies within one piece, as those of `regions` do, or any other."""
        whole = tuple(s.indices(n) for s, n in zip(index, self.shape, strict=False))
        for place, source in self._pieces:
            offsets = [-s.start for s in place]
            if all(s.start <= lo and hi <= s.stop for s, (lo, hi, _) in zip(place, whole, strict=False)):
                return source.read(_spans.shift(index, offsets))
        full = tuple(slice(lo, hi) for lo, hi, _ in whole) + tuple(slice(0, n) for n in self.shape[len(whole) :])
        result = allocate(tuple(s.stop - s.start for s in full), self.spec.dtype)
        put_together(result, full, self._pieces)
        return result

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut piece by piece, so that no region spans two of them."""
        for place, source in self._pieces:
            for index in source.regions(max_bytes):
                moved = _spans.shift(index, [s.start for s in place])
                yield (*moved, *place[len(moved) :])


def _bytes_between(array: NDArray[Any], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the bytes of the rows between each of `ends` and the next; strings take as many as they are long."""
    spans = np.diff(ends)
    if not array.dtype.hasobject or not array.size:
        return spans * math.prod(array.shape[1:]) * array.dtype.itemsize
    rows = array[ends[0] : ends[-1]].reshape(int(ends[-1] - ends[0]), math.prod(array.shape[1:]))
    running = np.zeros(len(rows) + 1, np.int64)
    with suppress(TypeError):  # an element that is no string is refused when it is written
        np.cumsum(held_bytes(rows).sum(axis=1), out=running[1:])
    found: NDArray[np.int64] = np.diff(running[ends - ends[0]])
    return found


def put_together(target: NDArray[Any], index: Index, pieces: Sequence[tuple[Index, ArraySource]]) -> None:
    """Fill the array of a region, a slice for every axis, from the pieces of the whole that it touches."""
    for part, source in pieces:
        place = (*part, *(slice(0, n) for n in source.spec.shape[len(part) :]))
        common = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(index, place, strict=True))
        if all(s.start < s.stop for s in common):
            into = _spans.shift(common, [-s.start for s in index])
            region(target, into)[...] = source.read(_spans.shift(common, [-s.start for s in place]))


def structural(source: Any) -> Any:
    """Mark an array that says where others belong, which no cast may touch."""
    source.spec = replace(source.spec, structural=True)
    return source


def gather(source: Source, request: Request, of_rows: Callable[[RowSource, Request], Any] | None = None) -> Any:
    """Fetch every array of a source and build its result; of_rows: what to do with rows, where there can be some."""
    if isinstance(source, Group):
        parts = [part for _, part in source.parts]
        if (threads := _threads(parts, request)) > 1:
            return source.build(_side_by_side(source, request, threads))
        values = []
        for part, label in zip_longest(parts, source.labels):
            with at_leaf(label or ""):
                values.append(gather(part, request, of_rows))
        return source.build(values)
    if isinstance(source, ArraySource):
        return source.fetch(request.for_array(source.spec))
    assert of_rows is not None
    return of_rows(source, request)


def _side_by_side(source: Group, request: Request, threads: int) -> list[Any]:
    """Fetch arrays on several threads, into memory that this one takes: it may have some from before."""

    def one(part: ArraySource, wanted: Request, label: str) -> Any:
        with at_leaf(label):
            return part.fetch(wanted)

    parts = [part for _, part in source.parts if isinstance(part, ArraySource)]
    requests = [request.for_array(part.spec) for part in parts]
    for place, part in enumerate(parts):
        if isinstance(part, Numeric) and part.host_bytes(requests[place]):
            out = allocate(part.shape, requests[place].dtype or part.spec.dtype)
            requests[place] = replace(requests[place], out=out)
    labels = (*source.labels, *[""] * (len(parts) - len(source.labels)))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, parts, requests, labels))


def _threads(parts: Sequence[Source], request: Request) -> int:
    """Say how many threads fetch parts together: 1 where that would not help."""
    if request.copy is False:
        return 1
    together = [part for part in parts if isinstance(part, ArraySource) and part.concurrent]
    if len(together) < max(2, len(parts)):
        return 1
    copied_bytes = sum(part.host_bytes(request.for_array(part.spec)) for part in together)
    return min(cpus(), _MOST_THREADS) if copied_bytes >= _WORTH_THREADS_BYTES else 1


def constant(value: Any, kind: str = "constant") -> Group:
    """Stand for something that stays as it is, without an array of its own."""
    return Group(kind, (), lambda _: value)


def nothing() -> Group:
    """Stand for None: it has no array, and becomes None."""
    return constant(None, "none")
