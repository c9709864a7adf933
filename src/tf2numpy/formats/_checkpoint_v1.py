"""Checkpoints of version 1: one file, or several, each a table of tensors' parts. Those of version 2 may not enter.

A part is decoded when something of it is asked for, and compared with the checksum of its block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob, blob_of
from .._dtypes import from_enum
from .._errors import FormatError
from .._host import hand_out, read_only, region
from .._protocols import ArraySource, Place, Stored
from .._sources import Numeric
from .._strings import Strings
from .._types import ArraySpec, Index, Request
from ..wire import slices
from ..wire.bundle import is_header
from ..wire.saved_slices import SavedTensor, saved_part, saved_tensors
from ..wire.table import Table
from ._parts import joined, why_not
from ._reading import reading

_KIND = "checkpoint of version 1"
_SHARD = re.compile(r"(.*)-(?:\d{5}|\?{5})-of-(\d{5})")

# Gives the values of a part.
_Values = Callable[[], NDArray[Any]]


class _File(NamedTuple):
    """One of the files, and what its first entry lists."""

    blob: Blob
    table: Table
    tensors: Sequence[SavedTensor]


def open_v1(path: Place, *, check: bool) -> Stored:
    """Open a checkpoint by one of its files, or by the pattern that they are named by.

    Raises: FormatError for files that are damaged or missing; ChecksumError.
    """
    files = [_opened(one, check) for one in _files(path)]
    found: dict[bytes, list[tuple[_File, SavedTensor]]] = {}
    for file in files:
        for tensor in file.tensors:
            found.setdefault(tensor.name, []).append((file, tensor))
    kept = _Kept()
    arrays: dict[str, ArraySource] = {}
    left_out: dict[str, str] = {}
    for raw_name, listed in found.items():
        name = str(raw_name, "utf-8", "surrogateescape")
        enum, shape = listed[0][1].enum, listed[0][1].shape
        with reading(f"the tensor {name!r} of {str(path)!r}"):
            if any((tensor.enum, tensor.shape) != (enum, shape) for _, tensor in listed):
                raise FormatError("its files tell of different dtypes or shapes of it")
            reason = why_not(enum, shape)
            if reason:
                left_out[name] = reason
                continue
            parts = [
                (bounds, _part(file, tensor, part, bounds, kept))
                for file, tensor in listed
                for part in tensor.slices
                for bounds in (slices.bounds(part, shape),)
            ]
            arrays[name] = joined(enum, shape, parts, kind=_KIND, device=f"file {path}")
    return Stored(_KIND, arrays, lambda: None, left_out=left_out)


def is_pattern(path: Place) -> bool:
    """Tell whether a path is the pattern of files that are there."""
    return "?????" in path.name and _SHARD.fullmatch(path.name) is not None and _files(path)[0].is_file()


def _files(path: Place) -> list[Place]:
    """Find all files of the checkpoint that one of them belongs to."""
    shard = _SHARD.fullmatch(path.name)
    if shard is None:
        return [path]
    files = [path.parent / f"{shard[1]}-{number:05d}-of-{shard[2]}" for number in range(int(shard[2]))]
    for file in files:
        if not file.is_file():
            raise FormatError(
                f"{str(path)!r} is one of {len(files)} files, and {file.name!r} is missing; copy it there"
            )
    return files


def _opened(path: Place, check: bool) -> _File:
    blob = blob_of(path)
    with reading(f"{_KIND} {str(path)!r}"):
        table = Table(blob.read, blob.size, check=check)
        value = table.get(b"")
        if value is None:
            raise FormatError("it is a table without the empty key, under which a checkpoint lists its tensors")
        if is_header(value):
            raise FormatError("it is the index of a checkpoint; give it back its name, which ends in .index")
        return _File(blob, table, saved_tensors(value))


def _part(file: _File, tensor: SavedTensor, part: slices.Extents, bounds: slices.Bounds, kept: _Kept) -> ArraySource:
    name = str(tensor.name, "utf-8", "surrogateescape")
    shape = tuple(stop - start for start, stop in bounds)
    what = f"the part {slices.shown(bounds)} of the tensor {name!r} of {file.blob.name!r}"

    def values() -> NDArray[Any]:
        with reading(what):
            value = file.table.get(slices.key(tensor.name, part))
            if value is None:
                raise FormatError("it is listed, and not there")
            return saved_part(value, tensor.enum, shape)

    dtype = from_enum(tensor.enum)
    assert dtype is not None
    device = f"file {file.blob.name}"
    if dtype.hasobject:
        return _Texts(values, shape, kept, device)
    return _Numbers(values, ArraySpec(shape, dtype), kept, device)


class _Kept:
    """The part that was decoded last: pieces of it are asked for one after the other."""

    def __init__(self) -> None:
        self._last: tuple[_Values | None, NDArray[Any]] = (None, np.empty(0))

    def of(self, values: _Values) -> NDArray[Any]:
        """Decode a part, if it is not the last one."""
        last, array = self._last
        if last is not values:
            array = values()
            self._last = (values, array)
        return array


class _Numbers(Numeric):
    """A part of a tensor of numbers."""

    kind = _KIND

    def __init__(self, values: _Values, spec: ArraySpec, kept: _Kept, device: str) -> None:
        self.spec, self.device = spec, device
        self._values, self._kept = values, kept

    def host_bytes(self, request: Request) -> int:
        """Bytes of the decoded part, or of what a cast makes of it."""
        return self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Decode, and copy or cast."""
        return hand_out(self._kept.of(self._values), request, owned=False)

    def read(self, index: Index) -> NDArray[Any]:
        """View a region of the decoded part."""
        return read_only(region(self._kept.of(self._values), index))


class _Texts(Strings):
    """A part of a tensor of strings."""

    def __init__(self, values: _Values, shape: tuple[int, ...], kept: _Kept, device: str) -> None:
        super().__init__(shape, kind=_KIND, device=device, why_no_view="strings lie encoded in the file")
        self._values, self._kept = values, kept

    def lengths(self, start: int, stop: int) -> NDArray[Any]:
        """Count the bytes of elements, in C order."""
        elements = self._kept.of(self._values).reshape(-1)[start:stop]
        return np.fromiter(map(len, elements), np.int64, len(elements))

    def read(self, index: Index) -> NDArray[Any]:
        """Copy a region of the decoded part."""
        return region(self._kept.of(self._values), index).copy()
