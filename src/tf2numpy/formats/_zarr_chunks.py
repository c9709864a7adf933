"""The chunks of a Zarr array in a folder that anyone may have written: found, read and decoded. No array may enter."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _codecs
from .._blobs import Blob
from .._errors import FormatError
from .._protocols import Place
from ..layouts.zarr_grid import Coords, index_bytes, is_missing, unpack_index
from ..wire import crc32c
from ._zarr_files import opened
from ._zarr_meta import Metadata

_KEPT_INDEXES = 16
_MOST_TEXT_BYTES = 1 << 31  # of a decoded chunk of strings, whose size no metadata tells


class Found(NamedTuple):
    """Where the bytes of a chunk are. blob: of the file, where it is not a local one, which would be kept open."""

    path: Place
    offset: int
    size: int
    blob: Blob | None


class Chunks:
    """The chunks of one array; several threads may read them at once."""

    def __init__(self, root: Place, folder: Place, name: str, metadata: Metadata) -> None:
        """Prepare. root: the real folder, which no symbolic link may lead out of. folder: of the array.

        Raises: MissingExtra without the library of one of its codecs.
        """
        self._root, self._folder, self._metadata = root, folder, metadata
        purpose = f"reading the array {name!r} of {str(root)!r}"
        self._decoders = [_decoder(codec, purpose) for codec in reversed(metadata.compressions)]
        self._indexes: OrderedDict[Place, NDArray[np.uint64] | None] = OrderedDict()
        self.raw = not self._decoders and metadata.named.text is None
        self.remote = not isinstance(folder, Path)
        self.count = math.prod(metadata.grid.chunk)
        self.nbytes = self.count * metadata.named.stored.itemsize

    def find(self, coords: Coords) -> Found | None:
        """Say where a chunk is; None where it is missing, so that all of it is the fill value.

        Raises: FormatError for a damaged index, and for a chunk of raw bytes that has not the size it must have.
        """
        at, position = self._metadata.grid.place(coords)
        path = self._path(at)
        with self._naming(path):
            place = self._file(path) if self._metadata.sharding is None else self._in_shard(path, position)
            if self.raw and place is not None and place.size != self.nbytes:
                raise ValueError(f"a chunk has {place.size} bytes instead of {self.nbytes}")
        return place

    def decoded(self, place: Found) -> Any:
        """Give the bytes of a chunk's elements; of numbers, as many as there must be.

        Raises: FormatError for a damaged chunk.
        """
        text = self._metadata.named.text is not None
        with self._naming(place.path):
            with self._open(place.path, place.blob) as blob:
                data: Any = blob.read(place.offset, place.offset + place.size).data
            most = _MOST_TEXT_BYTES if text else self.nbytes
            for number, decode in enumerate(self._decoders):
                last = number == len(self._decoders) - 1
                data = decode(data, most if last else most + (most >> 3) + (1 << 16))  # a codec can add a little
            if not text and len(data) != self.nbytes:
                raise ValueError(f"a chunk has {len(data)} bytes instead of {self.nbytes}")
        return bytes(data) if text else data

    def read_into(self, place: Found, start: int, target: NDArray[np.uint8]) -> None:
        """Read some bytes of a chunk as it is in the file into memory that is there."""
        with self._naming(place.path), self._open(place.path, place.blob) as blob:
            blob.read_into(place.offset + start, target)

    @contextmanager
    def _naming(self, path: Place) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(
                f"{str(path)!r} is damaged: {error}; get the folder anew from where it is whole"
            ) from error

    def _path(self, at: Coords) -> Place:
        metadata = self._metadata
        parts = [metadata.prefix] * bool(metadata.prefix) + [str(c) for c in at]
        return self._folder / (metadata.separator.join(parts) or "0")

    def _in_shard(self, path: Place, position: int) -> Found | None:
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
        shard = self._file(path)
        whole = shard.size if shard else 0
        if offset + size > whole:
            raise ValueError(f"its index tells of a chunk at {offset} of {size} bytes, and it has {whole}")
        return Found(path, offset, size, shard.blob if shard else None)

    def _index(self, path: Place) -> NDArray[np.uint64] | None:
        sharding = self._metadata.sharding
        assert sharding is not None
        shard = self._file(path)
        if shard is None:
            return None
        whole = shard.size
        size = index_bytes(self._metadata.grid.in_file) - (0 if sharding.checksum else 4)
        if whole < size:
            raise ValueError(f"it has {whole} bytes, less than its index of {size}")
        start = 0 if sharding.at_start else whole - size
        with self._open(path, shard.blob) as blob:
            data = bytes(blob.read(start, start + size))
        return unpack_index(data, checksum=sharding.checksum)

    def _file(self, path: Place) -> Found | None:
        """Look at a file, and fetch it if it is not local; None if there is none."""
        try:
            with opened(path, self._root, whole=not self.raw and self._metadata.sharding is None) as blob:
                return Found(path, 0, blob.size, None if isinstance(path, Path) else blob)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _open(self, path: Place, blob: Blob | None) -> AbstractContextManager[Blob]:
        return opened(path, self._root) if blob is None else nullcontext(blob)


def _decoder(codec: str, purpose: str) -> Callable[[bytes, int], Any]:
    return _checked if codec == "crc32c" else _codecs.decoder(codec, purpose)


def _checked(data: bytes, most: int) -> bytes:
    if len(data) < 4 or crc32c.extend(0, data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise ValueError("the checksum of a chunk is wrong")
    return data[:-4]
