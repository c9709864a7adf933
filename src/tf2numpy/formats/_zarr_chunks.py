"""The chunks of a Zarr array in a folder that anyone may have written: found, read and decoded. No array may enter."""

from __future__ import annotations

import math
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _codecs
from .._errors import FormatError
from ..layouts.zarr_grid import Coords, crc32c, index_bytes, is_missing, unpack_index
from ._zarr_meta import Metadata

_KEPT_INDEXES = 16
_MOST_TEXT_BYTES = 1 << 31  # of a decoded chunk of strings, whose size no metadata tells


class Place(NamedTuple):
    """Where the bytes of a chunk are."""

    path: Path
    offset: int
    size: int


class Chunks:
    """The chunks of one array; several threads may read them at once."""

    def __init__(self, root: Path, folder: Path, name: str, metadata: Metadata) -> None:
        """Prepare. root: what no symbolic link may lead out of. folder: of the array.

        Raises: MissingExtra without the library of one of its codecs.
        """
        self._root, self._folder, self._metadata = os.path.realpath(root), folder, metadata
        purpose = f"reading the array {name!r} of {str(root)!r}"
        self._decoders = [_decoder(codec, purpose) for codec in reversed(metadata.compressions)]
        self._indexes: OrderedDict[Path, NDArray[np.uint64] | None] = OrderedDict()
        self.raw = not self._decoders and metadata.named.text is None
        self.count = math.prod(metadata.grid.chunk)
        self.nbytes = self.count * metadata.named.stored.itemsize

    def find(self, coords: Coords) -> Place | None:
        """Say where a chunk is; None where it is missing, so that all of it is the fill value.

        Raises: FormatError for a damaged index, and for a chunk of raw bytes that has not the size it must have.
        """
        at, position = self._metadata.grid.place(coords)
        path = self._path(at)
        with self._naming(path):
            if self._metadata.sharding is None:
                size = self._size(path)
                place = None if size is None else Place(path, 0, size)
            else:
                place = self._in_shard(path, position)
            if self.raw and place is not None and place.size != self.nbytes:
                raise ValueError(f"a chunk has {place.size} bytes instead of {self.nbytes}")
        return place

    def decoded(self, place: Place) -> bytes:
        """Give the bytes of a chunk's elements; of numbers, as many as there must be.

        Raises: FormatError for a damaged chunk.
        """
        data: bytes = self.bytes_of(place, 0, place.size)
        text = self._metadata.named.text is not None
        with self._naming(place.path):
            most = _MOST_TEXT_BYTES if text else self.nbytes
            for number, decode in enumerate(self._decoders):
                last = number == len(self._decoders) - 1
                data = decode(data, most if last else most + (most >> 3) + (1 << 16))  # a codec can add a little
            if not text and len(data) != self.nbytes:
                raise ValueError(f"a chunk has {len(data)} bytes instead of {self.nbytes}")
        return data

    def bytes_of(self, place: Place, start: int, size: int) -> bytes:
        """Give some bytes of a chunk as it is in the file."""
        with self._naming(place.path), self._open(place.path) as fd:
            return _pread(fd, size, place.offset + start)

    def read_into(self, place: Place, start: int, target: memoryview) -> None:
        """Read some bytes of a chunk as it is in the file into memory that is there."""
        with self._naming(place.path), self._open(place.path) as fd:
            done = 0
            while done < len(target):
                count = os.preadv(fd, [target[done : done + (1 << 30)]], place.offset + start + done)
                if not count:
                    raise ValueError(f"it ends {len(target) - done} bytes too early")
                done += count

    @contextmanager
    def _naming(self, path: Path) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(
                f"{str(path)!r} is damaged: {error}; get the folder anew from where it is whole"
            ) from error

    def _path(self, at: Coords) -> Path:
        metadata = self._metadata
        parts = [metadata.prefix] * bool(metadata.prefix) + [str(c) for c in at]
        return self._folder / (metadata.separator.join(parts) or "0")

    def _in_shard(self, path: Path, position: int) -> Place | None:
        if path not in self._indexes:
            self._indexes[path] = self._index(path)
            while len(self._indexes) > _KEPT_INDEXES:
                self._indexes.popitem(last=False)
        index = self._indexes.get(path)
        if index is None:
            return None
        offset, size = map(int, index[position])
        if is_missing(offset, size):
            return None
        whole = self._size(path) or 0
        if offset + size > whole:
            raise ValueError(f"its index tells of a chunk at {offset} of {size} bytes, and it has {whole}")
        return Place(path, offset, size)

    def _index(self, path: Path) -> NDArray[np.uint64] | None:
        sharding = self._metadata.sharding
        assert sharding is not None
        whole = self._size(path)
        if whole is None:
            return None
        size = index_bytes(self._metadata.grid.in_file) - (0 if sharding.checksum else 4)
        if whole < size:
            raise ValueError(f"it has {whole} bytes, less than its index of {size}")
        with self._open(path) as fd:
            data = _pread(fd, size, 0 if sharding.at_start else whole - size)
        return unpack_index(data, checksum=sharding.checksum)

    def _size(self, path: Path) -> int | None:
        try:
            with self._open(path) as fd:
                return os.fstat(fd).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextmanager
    def _open(self, path: Path) -> Iterator[int]:
        real = os.path.realpath(path)
        if not real.startswith(self._root + os.sep):
            raise ValueError(f"a symbolic link leads out of the folder, to {real!r}")
        fd = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ValueError("it is no ordinary file")
            yield fd
        finally:
            os.close(fd)


def _pread(fd: int, size: int, offset: int) -> bytes:
    parts = []
    while size:
        part = os.pread(fd, min(size, 1 << 30), offset)
        if not part:
            raise ValueError(f"it ends {size} bytes too early")
        parts.append(part)
        size, offset = size - len(part), offset + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decoder(codec: str, purpose: str) -> Callable[[bytes, int], Any]:
    return _checked if codec == "crc32c" else _codecs.decoder(codec, purpose)


def _checked(data: bytes, most: int) -> bytes:
    if len(data) < 4 or crc32c(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise ValueError("the checksum of a chunk is wrong")
    return data[:-4]
