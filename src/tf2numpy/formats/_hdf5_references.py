"""Where the strings of an HDF5 dataset are said to be, looked at before HDF5 is asked for them. No string may enter.

An element of variable length is 16 bytes: its length, the address of a heap, a number in it. HDF5 makes room for any
length, and may never come to an end in a damaged heap (see `wire.hdf5_header`). So both are checked, of as much as is
read. Filters are undone by HDF5 itself, in a file in memory whose elements are plain bytes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._errors import FormatError
from .._types import Index
from .._units import format_bytes
from ..layouts.zarr_grid import Coords, cut
from ..wire.hdf5_header import check_heap
from ._hdf5_opened import Opened, finding_damage

_REFERENCE = np.dtype([("nbytes", "<u4"), ("heap", "<u8"), ("number", "<u4")])
_BLOCK_BYTES = 1 << 20
_numbers = itertools.count()  # HDF5 has no two open files of one name


class References:
    """Checks the references of regions: of each chunk once, and each heap of the file once."""

    def __init__(self, opened: Opened, name: str, dataset: Any, shape: tuple[int, ...]) -> None:
        self._opened, self._name, self._dataset, self._shape = opened, name, dataset, shape
        self._chunks: dict[Coords, int] = {}
        self._plain: dict[int, Any] = {}

    def check(self, index: Index) -> None:
        """Look at a region, a slice for every axis.

        Raises: FormatError for strings that are longer together than the file can hold, for damaged heaps, and for
        references that lie in the dataset's header.
        """
        settings, h5d = self._dataset.get_create_plist(), self._opened.h5py.h5d
        with finding_damage(self._opened.blob):
            if settings.get_layout() == h5d.CONTIGUOUS:
                self._bound(self._of_runs(_spans.runs(self._shape, index, _REFERENCE.itemsize)))
            elif settings.get_layout() == h5d.CHUNKED:
                self._bound(sum(self._of_chunk(coords, settings) for coords, _, _ in cut(index, settings.get_chunk())))
            else:
                raise FormatError(
                    f"{self._opened.where(self._name)} has strings in its header, which are not read there; rewrite "
                    "the file with h5repack -l CONTI"
                )

    def check_elements(self, start: int, stop: int) -> None:
        """Look at the elements between two numbers, counted in C order; raises as `check`."""
        settings, size = self._dataset.get_create_plist(), _REFERENCE.itemsize
        if settings.get_layout() == self._opened.h5py.h5d.CONTIGUOUS:
            self._bound(self._of_runs([(start * size, (stop - start) * size)]))
            return
        row = math.prod(self._shape[1:])
        rows = (slice(start // row, -(-stop // row)), *(slice(0, n) for n in self._shape[1:]))
        self.check(rows if self._shape else ())

    def _of_runs(self, runs: Iterable[tuple[int, int]]) -> int:
        """Give the bytes of the strings in runs of a dataset that lies in one range of the file."""
        base = self._dataset.get_offset()
        if base is None:  # nothing was ever written
            return 0
        return sum(self._take(self._opened.blob.read(start, stop)) for start, stop in _blocks(base, runs))

    def _of_chunk(self, coords: Coords, settings: Any) -> int:
        """Give the bytes of the strings in a chunk."""
        if coords not in self._chunks:
            place = tuple(c * size for c, size in zip(coords, settings.get_chunk(), strict=True))
            stored = self._dataset.get_chunk_info_by_coord(place).byte_offset is not None
            self._chunks[coords] = self._take(self._undone(place, settings)) if stored else 0
        return self._chunks[coords]

    def _undone(self, place: Coords, settings: Any) -> NDArray[Any]:
        """Give the bytes of a chunk without its filters."""
        mask, data = self._dataset.read_direct_chunk(place)
        if not settings.get_nfilters():
            return np.frombuffer(data, np.uint8)
        h5py, size = self._opened.h5py, self._dataset.get_type().get_size()
        if mask not in self._plain:
            self._plain[mask] = _plain_dataset(h5py, settings, mask, size)
        plain = self._plain[mask]
        found = np.empty(plain.shape, f"V{size}")
        plain.write_direct_chunk((0,) * len(place), data)
        plain.read(h5py.h5s.ALL, h5py.h5s.ALL, found, plain.get_type())
        return found.reshape(-1).view(np.uint8)

    def _take(self, data: NDArray[Any]) -> int:
        """Check the heaps that references lead to; give the bytes that the strings are said to have."""
        found = data[: data.size - data.size % _REFERENCE.itemsize].view(_REFERENCE)
        heaps = set(np.unique(found["heap"][found["nbytes"] > 0]).tolist())
        for heap in heaps - self._opened.heaps:
            try:
                check_heap(self._opened.read, heap)
            except FormatError as error:
                raise FormatError(
                    f"{self._opened.where(self._name)} cannot be read: {error}; the file is damaged"
                ) from error
            self._opened.heaps.add(heap)
        return int(found["nbytes"].sum(dtype=np.int64))

    def _bound(self, nbytes: int) -> None:
        if nbytes > self._opened.most_bytes:
            raise FormatError(
                f"{self._opened.where(self._name)} is said to have strings of {format_bytes(nbytes)}, and the whole "
                f"file has {format_bytes(self._opened.blob.size)}; the file is damaged"
            )


def _blocks(base: int, runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut runs into ranges of the file of which one at a time is looked at."""
    for offset, nbytes in runs:
        for at in range(offset, offset + nbytes, _BLOCK_BYTES):
            yield base + at, base + min(at + _BLOCK_BYTES, offset + nbytes)


def _plain_dataset(h5py: Any, settings: Any, mask: int, size: int) -> Any:
    """Make a dataset of one chunk in memory, with the filters of another one, of bytes that nothing converts.

    mask: the filters that were left out of a chunk, by their bits. size: of an element as HDF5 tells its filters, which
    is half a reference where that is to a text.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(_BLOCK_BYTES, False)
    file = h5py.h5f.create(b"references %d" % next(_numbers), h5py.h5f.ACC_TRUNC, fapl=access)
    *outer, last = settings.get_chunk()
    chunk = (*outer, last * (_REFERENCE.itemsize // size))
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk(chunk)
    for number in range(settings.get_nfilters()):
        code, flags, values, _ = settings.get_filter(number)
        if not mask >> number & 1:
            made.set_filter(code, flags, values)
    kind = h5py.h5t.create(h5py.h5t.OPAQUE, size)
    return h5py.h5d.create(file, b"x", kind, h5py.h5s.create_simple(chunk), dcpl=made)
