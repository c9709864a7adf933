"""An array that lies in a file as its bytes, beside their CRC-32C. What says where it lies may not enter.

With the checksum known, whatever is read whole is compared with it: at once, or piece by piece from the first one on,
as `save` and `iter_chunks` read. Single slices are not. Of a mapped file there are views; else all is fetched once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._blobs import Blob, Trail
from .._dtypes import storage
from .._errors import ChecksumError
from .._host import allocate, check_out, cpus, hand_out, read_only, region
from .._sources import Numeric
from .._types import ArraySpec, Index, Request
from ..wire import crc32c
from ._ranges import WHY_NO_VIEW, Extent

_BLOCK_BYTES = 256 << 10  # is still in the processor's cache when its sum is taken
_PIECE_BYTES = 16 << 20
_FETCHED_BYTES = 64 << 20  # asked for at once of a blob that fetches in parts by itself
_WORTH_THREADS_BYTES = 32 << 20  # a thread pool takes some 100 us to start
_MOST_THREADS = 4  # more wait for the memory, not for a processor


class Stretch(NamedTuple):
    """Bytes of a file, and what is known of them.

    name: of the tensor, for messages. start, stop: in the blob. crc: the sum over them, unmasked; None checks nothing.
    before: the sum over what the recorded one covers before them.
    """

    blob: Blob
    start: int
    stop: int
    name: str
    crc: int | None
    before: int = 0

    @property
    def nbytes(self) -> int:
        """How many there are."""
        return self.stop - self.start

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View the bytes between two offsets."""
        return self.blob.read(self.start + start, self.start + stop)

    def compare(self, found: int) -> None:
        """Refuse a sum that is not the recorded one.

        Raises: ChecksumError.
        """
        found = crc32c.combine(self.before, found, self.nbytes)
        if self.crc is not None and found != self.crc:
            raise ChecksumError(
                f"{self.blob.name!r}: the tensor {self.name!r}, bytes {self.start} to {self.stop}, has the checksum "
                f"{crc32c.mask(found):08x}, and {crc32c.mask(self.crc):08x} is recorded; the file is damaged, or of "
                "another checkpoint; check=False reads it as it is"
            )


class Run(NamedTuple):
    """Bytes that were read one after the other, by their offsets in a stretch, and the sum over them."""

    began: int = 0
    at: int = 0
    crc: int = 0


class Sums(NamedTuple):
    """Takes the sum over a stretch as it is read, and compares it at the end."""

    stretch: Stretch
    trail: Trail

    def go_on(self, run: Run, start: int, stop: int, data: NDArray[np.uint8]) -> Run:
        """Take in the bytes between two offsets; at the end, compare a run that has at least half of them all.

        data: those bytes. What is not mapped is not fetched again for the sake of the sum: its run must have them all.
        Raises: ChecksumError.
        """
        whole = self.stretch
        most_skipped = whole.nbytes // 2 if whole.blob.mapped else 0
        if run.at != start:
            run = Run(start, start, 0)
        if whole.crc is None or run.began > most_skipped:
            return Run(run.began, stop)
        run = Run(run.began, stop, self._over(data, run.crc))
        if stop == whole.nbytes:
            before = whole.read(0, run.began) if run.began else data[:0]
            whole.compare(crc32c.combine(self._over(before, 0), run.crc, stop - run.began))
        return run

    def _over(self, data: NDArray[np.uint8], crc: int) -> int:
        for at in range(0, len(data), _PIECE_BYTES):
            piece = data[at : at + _PIECE_BYTES]
            self.trail.passed(self.stretch.blob, len(piece))
            crc = crc32c.extend(crc, piece)
        return crc


class Checked(Numeric):
    """An array of numbers in C order. Of one in the other byte order than the host's there are only copies."""

    concurrent = True
    cached_bytes = 8 << 20

    def __init__(
        self,
        stretch: Stretch,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        trail: Trail,
        *,
        kind: str,
        big_endian: bool,
    ) -> None:
        """Describe the array; its shape and dtype must make up the bytes of the stretch."""
        self.kind, self.device = kind, f"file {stretch.blob.name}"
        self.spec = ArraySpec(shape, dtype)
        self._stretch, self._trail, self._sums = stretch, trail, Sums(stretch, trail)
        self._stored = _in_file(dtype, big_endian)
        self._extent = Extent(stretch.blob, stretch.start, shape, self._stored)
        self._run = Run()

    def host_bytes(self, request: Request) -> int:
        """Bytes of a copy; none for a view."""
        unaligned = request.copy is None and self._stretch.start % self._stored.alignment != 0
        return self._copied_bytes(request, movable=unaligned or not self._viewable)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Copy, cast or view all of it, compared with its checksum."""
        dtype = request.dtype or self.spec.dtype
        if request.out is None and not request.copy and dtype == self.spec.dtype and self._viewable:
            data = self._stretch.read(0, self._stretch.nbytes)
            view = self._shown(data.view(self._stored)).reshape(self.shape)
            if request.copy is False or view.flags.aligned:
                self._sums.go_on(Run(), 0, self._stretch.nbytes, data)
                return view
        if request.copy is False and request.out is None:
            why = WHY_NO_VIEW if self._stored.isnative else "its bytes lie the other way round in the file"
            why = "" if self._viewable else why
            return hand_out(self._empty(), request, owned=True, why_no_view=why)  # which refuses
        if request.out is not None:
            check_out(request.out, self.shape, dtype)
        result = allocate(self.shape, dtype) if request.out is None else request.out
        if dtype == self.spec.dtype and result.flags.c_contiguous:
            self._load(result)
            return result
        run = Run()
        for index in self.regions(_PIECE_BYTES):
            piece, run = self._read(index, run)
            np.copyto(region(result, index), piece, casting="unsafe")
        return result

    def read(self, index: Index) -> NDArray[Any]:
        """View a region, or copy it where its bytes lie the other way round.

        Raises: ChecksumError with the last region, where all were read in C order.
        """
        array, self._run = self._read(index, self._run)
        return array

    def _read(self, index: Index, run: Run) -> tuple[NDArray[Any], Run]:
        full = index + tuple(slice(0, n) for n in self.shape[len(index) :])
        shape = tuple(s.stop - s.start for s in full)
        if 0 in shape:
            return self._empty().reshape(shape), run
        offset, nbytes = next(_spans.runs(self.shape, full, self._stored.itemsize))
        if nbytes == math.prod(shape) * self._stored.itemsize:
            data = self._stretch.read(offset, offset + nbytes)
            run = self._sums.go_on(run, offset, offset + nbytes, data)
            found = self._shown(data.view(self._stored)).reshape(shape)
        else:
            found = self._shown(self._extent.region(full))
        return (found if self._stored.isnative else self._turned(found)), run

    @property
    def _viewable(self) -> bool:
        return self._stored.isnative and self._stretch.blob.mapped

    def _shown(self, bits: NDArray[Any]) -> NDArray[Any]:
        """View elements as of the logical dtype, if they are in the host's order."""
        return read_only(bits.view(self.spec.dtype) if self._stored.isnative else bits)

    def _turned(self, bits: NDArray[Any]) -> NDArray[Any]:
        return bits.astype(self._stored.newbyteorder("=")).view(self.spec.dtype)

    def _empty(self) -> NDArray[Any]:
        return np.empty(0, self.spec.dtype)

    def _load(self, result: NDArray[Any]) -> None:
        """Fill an array in C order, on several threads if that is worth it."""
        target = result.reshape(-1).view(storage(result.dtype)).view(np.uint8)
        if self._stretch.blob.mapped:
            crc = in_parts(target.nbytes, lambda start, stop: self._copy(target, start, stop, _BLOCK_BYTES))
        else:
            crc = self._copy(target, 0, target.nbytes, _FETCHED_BYTES)
        self._stretch.compare(crc)
        if not self._stored.isnative:
            result.view(self._stored.newbyteorder("=")).byteswap(inplace=True)

    def _copy(self, target: NDArray[np.uint8], start: int, stop: int, block_bytes: int) -> int:
        """Copy the bytes between two offsets; give the sum over them."""
        crc = 0
        for at in range(start, stop, block_bytes):
            end = min(at + block_bytes, stop)
            self._stretch.blob.read_into(self._stretch.start + at, target[at:end])
            if self._stretch.crc is not None:
                crc = crc32c.extend(crc, target[at:end])
        return crc


@functools.lru_cache
def _in_file(dtype: np.dtype[Any], big_endian: bool) -> np.dtype[Any]:
    """Give the dtype of the elements as they lie in the file."""
    return storage(dtype).newbyteorder(">" if big_endian else "<")


def in_parts(nbytes: int, work: Callable[[int, int], int]) -> int:
    """Let a function that gives the sum over a part of the bytes do all of them; give the sum over all."""
    threads = min(cpus(), _MOST_THREADS) if nbytes >= _WORTH_THREADS_BYTES else 1
    if threads == 1:
        return work(0, nbytes)
    step = -(-nbytes // threads)
    bounds = [(start, min(start + step, nbytes)) for start in range(0, nbytes, step)]
    crc = 0
    with ThreadPoolExecutor(threads) as pool:
        for (start, stop), part in zip(bounds, pool.map(lambda both: work(*both), bounds), strict=True):
            crc = crc32c.combine(crc, part, stop - start)
    return crc
