"""An open HDF5 file, and regions of its datasets read through h5py. What becomes of the elements may not enter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob, Mapped
from .._errors import FormatError, Tf2NumpyError
from .._registry import require
from .._types import Index
from .._units import format_bytes
from ..wire.hdf5_header import SUPERBLOCK_BYTES, check_names, chunk_element_bytes, has_driver
from ._hdf5_elements import Elements
from ._hdf5_file import Hdf5File

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FIRST_BLOCK_BYTES = 512  # HDF5 begins at byte 0, or at this one, or at twice, four times ... of it
_MOST_FETCHED_BYTES = 64 << 10
_MOST_RATIO, _ALWAYS_BYTES = 10, 64 << 20
_REFERENCE_BYTES = 16  # to a string of any length
_MOST_CHUNKS = 2048  # at once: HDF5 takes 3.5 KiB of memory for each, however small they are
# What h5py raises for what it finds in a damaged file.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Opened:
    """An open file: what h5py has of it, its bytes, and what it is, for messages.

    base: the byte at which HDF5 begins.
    heaps: those of texts that are known to be whole. objects: those of which HDF5 may follow the names.
    """

    h5py: Any
    file: Any
    blob: Blob
    kind: str
    base: int
    heaps: set[int] = field(default_factory=set)
    objects: set[int] = field(default_factory=set)

    @property
    def device(self) -> str:
        """Say where the arrays are."""
        return f"file {self.blob.name}"

    @property
    def most_bytes(self) -> int:
        """What may be taken in memory for a part of the file, whatever it says of itself."""
        return max(_ALWAYS_BYTES, self.blob.size * _MOST_RATIO)

    def read(self, start: int, stop: int) -> bytes:
        """Give the bytes between two addresses, as HDF5 counts: from the end of what the user put before."""
        return self.blob.read(self.base + start, self.base + stop).tobytes()

    def address(self, it: Any) -> int:
        """Give where the header of an object begins. A group's names are looked at before HDF5 does.

        Raises: FormatError as `member`.
        """
        h5g = self.h5py.h5g
        if not isinstance(it, h5g.GroupID):
            return int(self.h5py.h5o.get_info(it).addr)
        address = int(h5g.get_objinfo(it, b".").objno[0])  # unlike `h5o.get_info`, it does not touch the names
        self._check_names(address)
        return address

    def member(self, group: Any, link: bytes) -> Any:
        """Open what has a name in a group by a hard link.

        Raises: FormatError for names, of a group's members or of other files, that HDF5 would never come to the end of.
        """
        self._check_names(group.links.get_info(link).u)
        return self.h5py.h5o.open(group, link)

    def _check_names(self, address: int) -> None:
        if address in self.objects:
            return
        try:
            check_names(self.read, address)
        except FormatError as error:
            raise FormatError(f"{self.blob.name!r} is a damaged HDF5 file: {error}") from error
        self.objects.add(address)

    def where(self, name: str) -> str:
        """Name a dataset in an error message."""
        return f"{self.blob.name!r}: the dataset {name!r}"

    def refused(self, name: str, what: str) -> FormatError:
        """Say that a name of the file leads to another file."""
        return FormatError(
            f"{self.blob.name!r}: {name!r} {what}, and a file is not let lead to others; read that file itself, or "
            "copy what it holds into this one, with h5repack or h5copy"
        )


def begins_at(blob: Blob) -> int | None:
    """Find where HDF5 begins, behind what the user put before; of what is fetched, only among the first bytes."""
    size, offset = blob.size if blob.mapped else min(blob.size, _MOST_FETCHED_BYTES), 0
    while offset + len(SIGNATURE) <= size:
        if blob.read(offset, offset + len(SIGNATURE)).tobytes() == SIGNATURE:
            return offset
        offset = 2 * offset or _FIRST_BLOCK_BYTES
    return None


@contextmanager
def opening(blob: Blob, kind: str) -> Iterator[Opened]:
    """Open a file, and close it again if the block raises.

    Raises: FormatError for whatever h5py finds damaged, in the block too, and for one of several files that are one;
    MissingExtra without h5py.
    """
    h5py = require("h5py", "reading HDF5")
    start = begins_at(blob) or 0
    if has_driver(blob.read(start, min(start + SUPERBLOCK_BYTES, blob.size)).tobytes()):
        raise FormatError(
            f"{blob.name!r} says that it is one of several files that make up one HDF5 file, or is damaged; copy what "
            "they hold into one file, opened by h5py.File with driver='family' or 'split', or by h5repack"
        )
    try:
        file = h5py.File(blob.name if isinstance(blob, Mapped) else Hdf5File(blob, h5py), "r")
    except Tf2NumpyError:
        raise
    except _DAMAGE as error:
        raise FormatError(f"{blob.name!r} is an HDF5 file that cannot be opened: {error}") from error
    try:
        with finding_damage(blob):
            yield Opened(h5py, file, blob, kind, start)
    except BaseException:
        file.close()
        raise


@contextmanager
def finding_damage(blob: Blob) -> Iterator[None]:
    """Say of whatever h5py raises in the block that the file is damaged.

    Raises: FormatError.
    """
    try:
        yield
    except Tf2NumpyError:
        raise
    except _DAMAGE as error:
        raise FormatError(f"{blob.name!r} is a damaged HDF5 file: {error}") from error


class Region:
    """How the elements of any region of one dataset come through h5py."""

    def __init__(self, opened: Opened, name: str, dataset: Any, found: Elements) -> None:
        self.opened, self.name, self.found = opened, name, found
        self._dataset = dataset
        self._ready = False
        self._chunk: tuple[int, ...] = ()  # nothing where the elements are in no chunks, or not asked for yet

    def into(self, target: NDArray[Any], index: Index) -> None:
        """Read a region, a slice for every axis, into a C-contiguous array of its shape."""
        if not target.size:
            return
        self._prepare()
        space, memory = self._dataset.get_space(), self._memory(target.shape[: len(index)])
        for part in _in_few_chunks(index, self._chunk) if index else ():
            size = tuple(s.stop - s.start for s in part)
            space.select_hyperslab(tuple(s.start for s in part), size)
            memory.select_hyperslab(tuple(s.start - of.start for s, of in zip(part, index, strict=True)), size)
            self._read(target, memory, space)
        if not index:
            self._read(target, memory, space)

    def elements(self, start: int, stop: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """Read the elements between two numbers, counted in C order."""
        space = self._dataset.get_space()
        if shape:
            places = np.unravel_index(np.arange(start, stop), shape)
            space.select_elements(np.stack(places, axis=-1).astype(np.uint64))
        target = np.empty(stop - start, self.found.read_as)
        if target.size:
            self._prepare()
            self._read(target, self._memory(target.shape if shape else ()), space)
        return target

    def _memory(self, shape: tuple[int, ...]) -> Any:
        h5s = self.opened.h5py.h5s
        return h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)

    def _read(self, target: NDArray[Any], memory: Any, space: Any) -> None:
        try:
            self._dataset.read(memory, space, target, self.found.memory_type)
        except Tf2NumpyError:
            raise
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise FormatError(f"{self.opened.where(self.name)} cannot be read: {error}") from error

    def _prepare(self) -> None:
        """Look, once, at what HDF5 would take at its word, and find what undoes the compression.

        Raises: FormatError as `_look`.
        """
        if not self._ready:
            with finding_damage(self.opened.blob):
                self._look()
            self._ready = True

    def _look(self) -> None:
        """Raises: FormatError for a filter that is not known, and for chunks larger than anything in the file."""
        settings, h5z, h5d = self._dataset.get_create_plist(), self.opened.h5py.h5z, self.opened.h5py.h5d
        if settings.get_layout() == h5d.CHUNKED:
            self._chunk = settings.get_chunk()
            self._check_chunks(self._chunk)
        for i in range(settings.get_nfilters()):
            number = settings.get_filter(i)[0]
            if not h5z.filter_avail(number):
                require("hdf5plugin", f"reading {self.opened.where(self.name)}, compressed by HDF5's filter {number},")
            if not h5z.filter_avail(number):
                raise FormatError(
                    f"{self.opened.where(self.name)} is compressed by HDF5's filter {number}, which neither HDF5 nor "
                    "hdf5plugin has; rewrite the file with another, by h5repack where that filter is installed"
                )

    def _check_chunks(self, chunk: tuple[int, ...]) -> None:
        """Refuse chunks that HDF5 would take at their word: it makes room for a whole one, however little is used."""
        opened = self.opened
        size = _REFERENCE_BYTES if self.found.read_as.hasobject else self._dataset.get_type().get_size()
        nbytes = math.prod(chunk) * size
        if nbytes > max(opened.most_bytes, math.prod(self._dataset.shape) * size):
            raise FormatError(
                f"{opened.where(self.name)} is in chunks of {format_bytes(nbytes)}, far more than all of it has; "
                "rewrite the file with smaller ones: h5repack -l CHUNK"
            )
        found = chunk_element_bytes(opened.read, opened.address(self._dataset))
        if found not in (None, size):
            raise FormatError(
                f"{opened.where(self.name)} has elements of {size} bytes, and of {found} in its chunks; the file is "
                "damaged"
            )


def _in_few_chunks(index: Index, chunk: tuple[int, ...]) -> Iterator[Index]:
    """Cut a region in half, between chunks, until no part has more of them than HDF5 is to use at once."""
    counts = [(s.stop - 1) // size - s.start // size + 1 for s, size in zip(index, chunk, strict=False)]
    if math.prod(counts) <= _MOST_CHUNKS:
        yield index
        return
    axis = next(axis for axis, count in enumerate(counts) if count > 1)
    whole = index[axis]
    middle = (whole.start // chunk[axis] + counts[axis] // 2) * chunk[axis]
    for half in (slice(whole.start, middle), slice(middle, whole.stop)):
        yield from _in_few_chunks((*index[:axis], half, *index[axis + 1 :]), chunk)
