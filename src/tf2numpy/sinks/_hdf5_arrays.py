"""The datasets of an HDF5 file: their types, and the three ways to fill one. No file handling may enter.

`h5py` is passed in: it is optional, and only the sink imports it.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._dtypes import is_extended, logical_name, storage
from .._errors import FormatError
from .._types import ArraySpec, Index
from .._units import format_bytes
from ._atomic import AtomicFile
from ._hdf5_file import ShieldedFile
from ._runs import bytes_of, pwrite_region, refuse_nameless, refuse_text

# The last chunk of each growing array is padded, and waits in memory: all of them together share this much.
_CHUNKS_BYTES = 8 << 20
_MOST_CHUNK_BYTES = 1 << 20
_LEAST_CHUNK_BYTES = 16 << 10
_STRING_CHUNK_BYTES = 16 << 10  # of pointers; the strings themselves lie elsewhere
_CHUNK_LIMIT_BYTES = 1 << 32  # HDF5 counts a chunk's bytes in 32 bits
_MAX_RANK = 32
# A batch of strings ends after so many elements, or when it holds so many bytes.
_BATCH_ELEMENTS = 2048
_BATCH_BYTES = 4 << 20

# Floats that HDF5 can describe exactly: base type; sign position, exponent position and size, mantissa
# position and size, in bits; bytes; exponent bias.
_FLOATS = {
    "bfloat16": ("IEEE_F32LE", (15, 7, 8, 0, 7), 2, 127),
    "float8_e5m2": ("IEEE_F16LE", (7, 2, 5, 0, 2), 1, 15),
}
# Integers of a byte, of which only the low bits count; HDF5 extends the sign on reading.
_INTEGERS = {
    "int4": ("STD_I8LE", 4),
    "uint4": ("STD_U8LE", 4),
    "int2": ("STD_I8LE", 2),
    "uint2": ("STD_U8LE", 2),
}


class Dataset(Protocol):
    """One dataset being filled."""

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Fill one region that is known to fit."""

    def finish(self) -> None:
        """Write what is held back and give the dataset its final shape."""


def file_type(h5py: Any, name: str, spec: ArraySpec) -> Any:
    """Give the HDF5 type of the elements, and check that the dataset can exist. Creates nothing.

    Raises: FormatError naming the array, for a dtype, rank or row size that HDF5 cannot hold.
    """
    refuse_nameless(name, spec.dtype)
    refuse_text(name, spec.dtype, "UT")
    if len(spec.shape) > _MAX_RANK:
        raise FormatError(
            f"array {name!r}: an HDF5 dataset has at most {_MAX_RANK} axes, found {len(spec.shape)}; "
            f"reshape it, or choose a .npy path"
        )
    if None in spec.shape and spec.row_nbytes >= _CHUNK_LIMIT_BYTES:
        raise FormatError(
            f"array {name!r}: HDF5 stores an unknown number of rows in chunks of at least one row and less "
            f"than {format_bytes(_CHUNK_LIMIT_BYTES)}, and one row is {format_bytes(spec.row_nbytes)} "
            f"({spec.row_nbytes} bytes); choose a .npy path"
        )
    h5t = h5py.h5t
    logical = spec.dtype.name
    if spec.dtype == object:
        return h5t.py_create(h5py.vlen_dtype(np.uint8), logical=True)
    if logical in _FLOATS:
        base, fields, nbytes, bias = _FLOATS[logical]
        kind = getattr(h5t, base).copy()
        kind.set_fields(*fields)  # before the size: the old one still has room for these bits
        kind.set_size(nbytes)
        kind.set_ebias(bias)
        return kind
    if logical in _INTEGERS:
        base, bits = _INTEGERS[logical]
        kind = getattr(h5t, base).copy()
        kind.set_precision(bits)
        return kind
    try:
        if spec.dtype.hasobject:  # a structure of objects
            raise TypeError(spec.dtype)
        return h5t.py_create(storage(spec.dtype), logical=True)
    except TypeError as error:
        raise FormatError(f"array {name!r}: HDF5 has no type for {spec.dtype}; cast it first") from error


def create(h5py: Any, h5: Any, name: str, spec: ArraySpec, kind: Any, file: ShieldedFile, *, growing: int) -> Dataset:
    """Create the dataset, and the groups on the way to it, in the open file `h5`; growing: how many such there are."""
    shape = tuple(n or 0 for n in spec.shape)
    unknown = None in spec.shape
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if spec.dtype != object:
        settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if unknown:
        share = max(_LEAST_CHUNK_BYTES, min(_MOST_CHUNK_BYTES, _CHUNKS_BYTES // growing))
        wanted_bytes = _STRING_CHUNK_BYTES if spec.dtype == object else share
        rows = max(1, wanted_bytes // spec.row_nbytes) if spec.row_nbytes else 1
        settings.set_chunk((rows, *(shape[1:] if spec.row_nbytes else (1 for _ in shape[1:]))))
        # A chunk is never longer than an axis may become, so an empty axis must be free to grow.
        limits = (h5py.h5s.UNLIMITED, *(n or h5py.h5s.UNLIMITED for n in shape[1:]))
        space = h5py.h5s.create_simple(shape, limits)
    else:
        settings.set_layout(h5py.h5d.CONTIGUOUS)
        settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.h5d.create(h5.id, None, kind, space, dcpl=settings)
    h5[name] = h5py.Dataset(dataset)
    if spec.dtype == object or is_extended(spec.dtype):
        h5[name].attrs["dtype"] = logical_name(spec.dtype)
    if spec.dtype == object:
        return Strings(h5py, dataset, name, unknown, file)
    if unknown:
        return Chunked(dataset, rows * spec.row_nbytes, rows, file)
    return Contiguous(dataset.get_offset() or 0, shape, file.file)


class Contiguous:
    """A dataset of known shape: a range of the file, which HDF5 gave us once and never touches again.

    base: byte offset of the first element; 0 for an array without elements, which has none.
    """

    def __init__(self, base: int, shape: tuple[int, ...], file: AtomicFile) -> None:
        self.base = base
        self._shape = shape
        self._file = file

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Write straight from the memory of `value`."""
        pwrite_region(self._file, self.base, self._shape, index, value)

    def finish(self) -> None:
        """Nothing is held back."""


class Chunked:
    """A dataset of unknown length: written a whole chunk at a time; what is left waits in a buffer."""

    def __init__(self, dataset: Any, chunk_bytes: int, rows: int, file: ShieldedFile) -> None:
        self._dataset = dataset
        self._file = file
        self._chunk_bytes = chunk_bytes
        self._chunk_rows = rows
        self._buffer = np.empty(0, np.uint8)
        self._held_bytes = 0
        self._chunks = 0
        self._rows = 0

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Take the next rows; a whole chunk goes straight from the memory of `value`."""
        self._rows = index[0].stop
        rest = bytes_of(value)
        while rest:
            if not self._held_bytes and len(rest) >= self._chunk_bytes:
                self._put(rest[: self._chunk_bytes])
                rest = rest[self._chunk_bytes :]
                continue
            if not len(self._buffer):
                self._buffer = np.empty(self._chunk_bytes, np.uint8)
            taken = rest[: self._chunk_bytes - self._held_bytes]
            self._buffer[self._held_bytes : self._held_bytes + len(taken)] = taken
            self._held_bytes += len(taken)
            rest = rest[len(taken) :]
            if self._held_bytes == self._chunk_bytes:
                self._put(self._buffer.data)
                self._held_bytes = 0

    def finish(self) -> None:
        """Write the last chunk, padded with zeros, and set the true number of rows."""
        self._resize(self._rows)
        if self._held_bytes:
            self._buffer[self._held_bytes :] = 0
            self._put(self._buffer.data)

    def _put(self, data: memoryview) -> None:
        first = self._chunks * self._chunk_rows
        self._resize(min(first + self._chunk_rows, self._rows))  # HDF5 takes no chunk beyond the rows it knows
        self._dataset.write_direct_chunk((first, *(0 for _ in self._dataset.shape[1:])), data)
        self._file.check()
        self._chunks += 1

    def _resize(self, rows: int) -> None:
        self._dataset.set_extent((rows, *self._dataset.shape[1:]))


class Strings:
    """A dataset of byte strings, each a sequence of uint8: HDF5's own strings end at the first NUL."""

    def __init__(self, h5py: Any, dataset: Any, name: str, unknown: bool, file: ShieldedFile) -> None:
        self._h5py = h5py
        self._dataset = dataset
        self._name = name
        self._unknown = unknown
        self._file = file
        self._dtype = h5py.vlen_dtype(np.uint8)

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Write a batch of elements at a time.

        Raises: FormatError for an element that is not bytes, naming its type and place.
        """
        if self._unknown:
            self._dataset.set_extent((index[0].stop, *value.shape[1:]))
        starts = tuple(s.start for s in index)
        for first, batch in self._batches(value, starts):
            self._put(first, batch, value.shape, starts)
            self._file.check()

    def finish(self) -> None:
        """Nothing is held back."""

    def _batches(self, value: NDArray[Any], starts: tuple[int, ...]) -> Iterator[tuple[int, list[bytes]]]:
        batch: list[bytes] = []
        first = nbytes = 0
        for position, element in enumerate(value.flat):
            if not isinstance(element, bytes):
                place = [int(i) + s for i, s in zip(np.unravel_index(position, value.shape), starts, strict=True)]
                raise FormatError(
                    f"array {self._name!r}: the element{f' at {place}' if place else ''} is "
                    f"{type(element).__name__}, and only bytes can be written; {_instead_of(element)}"
                )
            batch.append(element)
            nbytes += len(element)
            if len(batch) == _BATCH_ELEMENTS or nbytes >= _BATCH_BYTES:
                yield first, batch
                first, nbytes, batch = position + 1, 0, []
        if batch:
            yield first, batch

    def _put(self, first: int, batch: list[bytes], shape: tuple[int, ...], starts: tuple[int, ...]) -> None:
        h5s = self._h5py.h5s
        elements = np.empty(len(batch), self._dtype)
        for i, element in enumerate(batch):
            elements[i] = np.frombuffer(element, np.uint8)
        space = self._dataset.get_space()
        if shape:
            places = np.unravel_index(np.arange(first, first + len(batch)), shape)
            space.select_elements(np.stack(places, axis=-1).astype(np.uint64) + np.array(starts, np.uint64))
        self._dataset.write(h5s.create_simple((len(batch),)), space, elements, self._h5py.h5t.py_create(self._dtype))


def _instead_of(element: Any) -> str:
    if isinstance(element, str):
        return "encode text first, element.encode()"
    if isinstance(element, numbers.Number):  # one that no dtype holds exactly: a long integer, a Decimal
        return "give numbers a dtype of numbers, np.asarray(x, 'float64')"
    return "give bytes in its place, or leave this array out"
