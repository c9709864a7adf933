"""Arrays that lie in a blob as they would in memory. What says where they lie may not enter.

Of a mapped file such an array is a view. Of a blob that has to be fetched a region is read when it is asked for, and no
more of it than its bytes, or than lies between them where that costs less than another request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob
from .._dtypes import storage
from .._errors import CopyRequired, FormatError
from .._host import allocate, check_out, copy_into, read_only, region
from .._protocols import ArraySource
from .._sources import HostArray, Numeric
from .._types import ArraySpec, Index, Request
from ._swapped import Swapped

_MOST_GAP_BYTES = 256 << 10  # fetched along, rather than asking once more
_MOST_COVER_BYTES = 8 << 20  # of a range of which only parts are wanted
_MOST_TOGETHER = 8
_BATCH = 256  # cuts that are handed to the threads at once
_BLOCK_BYTES = 32 << 20  # on the way into a buffer of another dtype or order
WHY_NO_VIEW = "this array has to be fetched from where it is stored"


class Extent(NamedTuple):
    """Where elements lie: from which byte of a blob on, in C order, of which shape and dtype, as they are stored."""

    blob: Blob
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def view(self) -> NDArray[Any]:
        """View all of them, of a mapped blob.

        Raises: FormatError if they do not lie within the blob, or for a shape that NumPy cannot have.
        """
        data = self.blob.read(self.start, self.start + math.prod(self.shape) * self.dtype.itemsize)
        return read_only(_shaped(data, self.shape, self.dtype))

    def region(self, index: Index) -> NDArray[Any]:
        """Read a region, by a slice for every axis: a view of a mapped blob, or a new array.

        Raises: FormatError for bytes that are not there; StoreError.
        """
        if self.blob.mapped:
            return region(self.view(), index)
        target = allocate(tuple(s.stop - s.start for s in index), self.dtype)
        self.into(target, index)
        return target

    def into(self, target: NDArray[Any], index: Index) -> None:
        """Fetch a region straight to where it belongs: an array in C order, of the stored dtype."""
        if not target.nbytes:
            return
        if not self.shape:
            self.blob.read_into(self.start, _bytes(target))
            return
        cuts = _cuts(self.shape, index, self.dtype.itemsize)
        first = list(islice(cuts, 2))
        if len(first) == 1:
            self._fetch(target, index, first[0])
            return
        with ThreadPoolExecutor(_MOST_TOGETHER) as threads:
            while first:
                for _ in threads.map(lambda cut: self._fetch(target, index, cut), first):
                    pass  # iterating raises what a fetch raised
                first = list(islice(cuts, _BATCH))

    def _fetch(self, target: NDArray[Any], index: Index, cut: Cut) -> None:
        into = region(
            target, tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(cut.part, index, strict=True))
        )
        if cut.stop - cut.start == into.nbytes:
            self.blob.read_into(self.start + cut.start, _bytes(into))
            return
        data = self.blob.read(self.start + cut.start, self.start + cut.stop)
        into[...] = np.ndarray(into.shape, self.dtype, data, strides=_strides(self.shape, self.dtype.itemsize))


class Cut(NamedTuple):
    """A part of a region, and the range, counted from the array's first byte, that it lies in."""

    part: Index
    start: int
    stop: int


class Ranged(Numeric):
    """An array that is fetched as far as it is asked for.

    dtype: the logical one; elements of another byte order are turned. fortran: it lies in the order of its transpose.
    """

    concurrent = True

    def __init__(
        self,
        extent: Extent,
        dtype: np.dtype[Any],
        *,
        kind: str,
        device: str,
        fortran: bool = False,
        turned: bool = False,
    ) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(extent.shape[::-1] if fortran else extent.shape, dtype)
        self._extent, self._fortran, self._turned = extent, fortran, turned

    def host_bytes(self, request: Request) -> int:
        """Bytes of the whole, or of the block that is on its way into another buffer."""
        block = 0 if request.dtype in (None, self.spec.dtype) else min(self.spec.nbytes or 0, _BLOCK_BYTES)
        return self._copied_bytes(request, movable=True) + block

    def fetch(self, request: Request) -> NDArray[Any]:
        """Fetch the whole once, straight into the result where that lies as the stored array does."""
        dtype = request.dtype or self.spec.dtype
        if request.out is None:
            if request.copy is False:
                raise CopyRequired(f"copy=False allows only a view, and {WHY_NO_VIEW}; pass copy=None or copy=True")
            if dtype == self.spec.dtype:
                return self.read(())
            target = allocate(self.shape, dtype)
        else:
            check_out(request.out, self.shape, dtype)
            target = request.out
        if dtype == self.spec.dtype and target.flags.c_contiguous and not (self._turned or self._fortran):
            self._extent.into(target.view(self._extent.dtype), _whole((), self.shape))
            return target
        for index in self.regions(max(_BLOCK_BYTES, self.spec.dtype.itemsize)):
            copy_into(region(target, index), self.read(index))
        return target

    def read(self, index: Index) -> NDArray[Any]:
        """Fetch a region into a new array."""
        whole = _whole(index, self.shape)
        found = self._extent.region(whole[::-1] if self._fortran else whole)
        logical = found.astype(self.spec.dtype) if self._turned else found.view(self.spec.dtype)
        return logical.T if self._fortran else logical


def array_at(
    blob: Blob,
    start: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    kind: str,
    fortran: bool = False,
    stored: np.dtype[Any] | None = None,
) -> ArraySource:
    """Give the array whose elements lie in a blob from a byte on.

    dtype: the logical one. stored: that of the elements in the file, where they lie in another byte order.
    Raises: FormatError if the array does not lie within the blob, or for a shape that NumPy cannot have.
    """
    bits = storage(dtype) if stored is None else stored
    extent = Extent(blob, start, shape[::-1] if fortran else shape, bits)
    device, turned = f"file {blob.name}", stored is not None and stored != dtype
    if not blob.mapped:
        _check(extent)
        return Ranged(extent, dtype, kind=kind, device=device, fortran=fortran, turned=turned)
    array = extent.view().T if fortran else extent.view()
    return (
        Swapped(array, dtype, kind=kind, device=device)
        if turned
        else HostArray(array.view(dtype), kind=kind, device=device)
    )


def _check(extent: Extent) -> None:
    """Refuse what `view` would refuse of a mapped blob."""
    stop = extent.start + math.prod(extent.shape) * extent.dtype.itemsize
    if not 0 <= extent.start <= stop <= extent.blob.size:
        raise FormatError(
            f"{extent.blob.name!r} ends at {extent.blob.size}, and bytes {extent.start} to {stop} of it are needed"
        )
    if 0 in extent.shape:
        _shaped(np.empty(0, np.uint8), extent.shape, extent.dtype)


def _shaped(data: NDArray[np.uint8], shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return np.ndarray(shape, dtype, data)
    except ValueError as error:
        raise FormatError(f"its shape {str(shape)[:100]} is none that NumPy can have: {error}") from error


def _cuts(shape: tuple[int, ...], index: Index, itemsize: int) -> Iterator[Cut]:
    """Cut a region into parts that each lie in one range, of which little is not wanted."""
    strides = _strides(shape, itemsize)
    waiting = [index]
    while waiting:
        part = waiting.pop()
        counts = [s.stop - s.start for s in part]
        start = sum(s.start * stride for s, stride in zip(part, strides, strict=True))
        cover, gap = itemsize, 0
        for count, stride in zip(reversed(counts), reversed(strides), strict=True):
            if count > 1:
                gap = max(gap, stride - cover)
                cover += (count - 1) * stride
        if gap == 0 or (gap <= _MOST_GAP_BYTES and cover <= _MOST_COVER_BYTES):
            yield Cut(part, start, start + cover)
            continue
        axis = next(axis for axis, count in enumerate(counts) if count > 1)
        middle = part[axis].start + counts[axis] // 2
        waiting.append((*part[:axis], slice(middle, part[axis].stop), *part[axis + 1 :]))
        waiting.append((*part[:axis], slice(part[axis].start, middle), *part[axis + 1 :]))


def _strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Give the bytes from one element to the next along each axis."""
    return tuple(itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _whole(index: Index, shape: tuple[int, ...]) -> Index:
    """Give a slice with start and stop for every axis."""
    return (*index, *(slice(0, n) for n in shape[len(index) :]))


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """View the memory of an array that lies in one piece."""
    return array.reshape(-1).view(np.uint8)
