"""One dataset of an HDF5 file as an array source: numbers, text, or a refusal. Groups and links may not enter.

What lies in the file as NumPy would have it in memory is mapped, and h5py never touches it. All else goes through h5py
a region at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import storage
from .._errors import CopyRequired, FormatError
from .._host import allocate, check_out, copy_into, region
from .._protocols import ArraySource
from .._sources import Numeric
from .._strings import Strings
from .._types import ArraySpec, Index, Request
from .._units import format_bytes
from ._hdf5_attributes import text_of
from ._hdf5_elements import Elements, elements_of
from ._hdf5_opened import Opened, Region
from ._hdf5_references import References
from ._ranges import array_at

# Read at once on the way into a buffer of another dtype or order: much more than a chunk of most files.
_BLOCK_BYTES = 64 << 20
_MOST_PACKED = 1100  # deflate makes nothing smaller than by 1032
# Strings that are read at once only to learn their lengths.
_READ_TOGETHER = 64
_WHY_NO_VIEW = "this dataset does not lie in the file as it would in memory"


def source(opened: Opened, name: str, dataset: Any, label: str = "") -> ArraySource:
    """Give the source of a dataset; label: the logical dtype, where something else than the dataset says it.

    Raises: FormatError if its elements lie in another file, or beyond the end of this one.
    """
    h5py, settings = opened.h5py, dataset.get_create_plist()
    if settings.get_layout() == h5py.h5d.VIRTUAL:  # merely asking for its shape would open the others
        files = {settings.get_virtual_filename(i) for i in range(settings.get_virtual_count())}
        raise opened.refused(name, f"is made of parts of {', '.join(map(repr, sorted(files)))}")
    if settings.get_external_count():
        file = settings.get_external(0)[0]
        raise opened.refused(name, f"keeps its elements in the file {file.decode(errors='replace')!r}")
    space = dataset.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return Refused(opened, name, (), "nothing, not even a shape")
    shape = tuple(space.shape)
    found = elements_of(h5py, dataset, label or text_of(opened, dataset, "dtype"))
    if isinstance(found, str):
        return Refused(opened, name, shape, found)
    if found.dtype == object:
        return Texts(opened, name, dataset, shape, found)
    in_place = _in_place(opened, name, dataset, shape, found)
    return Numbers(opened, name, dataset, shape, found) if in_place is None else in_place


def _in_place(opened: Opened, name: str, dataset: Any, shape: tuple[int, ...], found: Elements) -> ArraySource | None:
    """Take the elements from the file itself, where they lie in one range of it as NumPy would have them."""
    offset = dataset.get_offset()
    if not found.as_in_memory or offset is None or 0 in shape:
        return None
    stop = offset + math.prod(shape) * found.dtype.itemsize
    if stop > opened.blob.size:
        raise FormatError(
            f"{opened.where(name)} ends at byte {stop}, and the file at byte {opened.blob.size}; the file is damaged"
        )
    return array_at(opened.blob, offset, shape, found.dtype, kind=opened.kind)


class Numbers(Numeric):
    """Elements of fixed size that h5py has to decompress, convert or gather."""

    def __init__(self, opened: Opened, name: str, dataset: Any, shape: tuple[int, ...], found: Elements) -> None:
        self.kind, self.device = opened.kind, opened.device
        self.spec = ArraySpec(shape + found.inner, found.dtype)
        self._outer = len(shape)  # the axes that h5py cuts; those of the elements themselves follow
        self._region = Region(opened, name, dataset, found)

    def host_bytes(self, request: Request) -> int:
        """Bytes of the whole, or of the block that is on its way into another buffer."""
        block = 0 if request.dtype in (None, self.spec.dtype) else min(self.spec.nbytes or 0, _BLOCK_BYTES)
        return self._copied_bytes(request, movable=True) + block

    def fetch(self, request: Request) -> NDArray[Any]:
        """Read the whole once, straight into the result where that has the same dtype."""
        dtype = request.dtype or self.spec.dtype
        if request.out is not None:
            check_out(request.out, self.shape, dtype)
        elif request.copy is False:
            raise CopyRequired(f"copy=False allows only a view, and {_WHY_NO_VIEW}; pass copy=None or copy=True")
        target = allocate(self.shape, dtype) if request.out is None else request.out
        if dtype == self.spec.dtype and target.flags.c_contiguous:
            self._into(target, tuple(slice(0, n) for n in self.shape[: self._outer]))
            return target
        for index in self.regions(max(_BLOCK_BYTES, self.spec.dtype.itemsize)):
            copy_into(region(target, index), self.read(index))
        return target

    def read(self, index: Index) -> NDArray[Any]:
        """Read one region."""
        whole = index + tuple(slice(0, n) for n in self.shape[len(index) :])
        outer, inner = whole[: self._outer], whole[self._outer :]
        array = allocate((*(s.stop - s.start for s in outer), *self.shape[self._outer :]), self.spec.dtype)
        self._into(array, outer)
        return region(array, (slice(None),) * self._outer + inner)

    def _into(self, target: NDArray[Any], index: Index) -> None:
        self._region.into(target.view(storage(self.spec.dtype)), index)


class Texts(Strings):
    """Strings of HDF5, or sequences of bytes that say they are strings, as `bytes`."""

    def __init__(self, opened: Opened, name: str, dataset: Any, shape: tuple[int, ...], found: Elements) -> None:
        super().__init__(shape, kind=opened.kind, device=opened.device, why_no_view=_WHY_NO_VIEW)
        self._region = Region(opened, name, dataset, found)
        self._references = References(opened, name, dataset, shape) if found.read_as.hasobject else None

    def read(self, index: Index) -> NDArray[Any]:
        """Give one region as `bytes`."""
        whole = index + tuple(slice(0, n) for n in self._shape[len(index) :])
        if self._references is None:
            self._check_size()
        else:
            self._references.check(whole)
        return self._in_parts(whole)

    def _in_parts(self, whole: Index) -> NDArray[Any]:
        """Read a region, cut in half where its elements take far more memory as they lie in the file."""
        shape, kind = tuple(s.stop - s.start for s in whole), self._region.found.read_as
        axis = next((axis for axis, n in enumerate(shape) if n > 1), None)
        if axis is None or math.prod(shape) * kind.itemsize <= _BLOCK_BYTES:
            found = allocate(shape, kind)
            self._region.into(found, whole)
            return _as_bytes(found)
        middle = whole[axis].start + shape[axis] // 2
        halves = slice(whole[axis].start, middle), slice(middle, whole[axis].stop)
        return np.concatenate([self._in_parts((*whole[:axis], half, *whole[axis + 1 :])) for half in halves], axis)

    def _check_size(self) -> None:
        """Refuse elements of fixed size that cannot be in the file, however well it is compressed.

        Raises: FormatError.
        """
        opened, size = self._region.opened, self._region.found.read_as.itemsize
        nbytes = size * math.prod(self._shape)
        if size > opened.most_bytes or nbytes > max(opened.most_bytes, opened.blob.size * _MOST_PACKED):
            raise FormatError(
                f"{opened.where(self._region.name)} has texts of {format_bytes(nbytes)}, which cannot be in a file of "
                f"{format_bytes(opened.blob.size)}; the file is damaged"
            )

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Count them, read a few at a time."""
        if self._references is None:
            self._check_size()
            return np.full(stop - start, self._region.found.read_as.itemsize, np.int32)
        self._references.check_elements(start, stop)
        lengths = [
            np.fromiter(map(len, self._region.elements(i, min(i + _READ_TOGETHER, stop), self._shape)), np.int32)
            for i in range(start, stop, _READ_TOGETHER)
        ]
        return np.concatenate(lengths)


class Refused(ArraySource):
    """A dataset of what no NumPy array can hold. It can be listed, not read."""

    def __init__(self, opened: Opened, name: str, shape: tuple[int, ...], what: str) -> None:
        self.kind, self.device = opened.kind, opened.device
        self.spec = ArraySpec(shape, np.dtype(object))
        self.what = what
        self._message = f"{opened.where(name)} holds {what}, which has no NumPy form; choose other arrays of this file"

    def host_bytes(self, request: Request) -> int:
        """Nothing will come."""
        return 0

    def fetch(self, request: Request) -> NDArray[Any]:
        """Refuse."""
        raise FormatError(self._message)

    def read(self, index: Index) -> NDArray[Any]:
        """Refuse."""
        raise FormatError(self._message)

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Refuse."""
        raise FormatError(self._message)

    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nothing will come."""
        return np.zeros(len(ends) - 1, np.int64)


def _as_bytes(found: NDArray[Any]) -> NDArray[Any]:
    """Make `bytes` of what h5py gives: `bytes`, arrays of them, or nothing for a string that was never written."""
    array = np.empty(found.shape, object)
    flat = array.reshape(-1)
    for i, element in enumerate(found.reshape(-1).tolist()):
        flat[i] = element if isinstance(element, bytes) else element.tobytes() if element is not None else b""
    return array
