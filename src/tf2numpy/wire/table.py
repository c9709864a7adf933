"""The sorted tables that checkpoints are kept in, as LevelDB lays them out. What keys and values mean may not enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/io/{format.h, format.cc, block.cc, block_builder.cc, table_builder.cc}.
Data blocks, then an index block of their places, then a footer that says where the index is. The keys of the index only
separate the blocks: they are no keys of the table.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from .._errors import ChecksumError, FormatError
from . import crc32c
from .compression import snappy_block
from .protobuf import varint

# Gives the bytes of a file between two offsets.
Read: TypeAlias = Callable[[int, int], Any]

FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_TRAILER_BYTES = 5
_STORED, _SNAPPY = 0, 1
_MOST_GROWTH = 10  # of the whole, beside _FREE_BYTES: for what unpacks, and for keys that share their beginnings
_FREE_BYTES = 64 << 20


class _Place(NamedTuple):
    """Where a block lies: its separator is not below any key in it."""

    separator: bytes
    offset: int
    nbytes: int


def is_table(tail: bytes) -> bool:
    """Tell by its last bytes whether a file is a table."""
    return len(tail) >= FOOTER_BYTES and tail.endswith(_MAGIC)


class Table:
    """A table of `nbytes` bytes whose index is decoded; of the data, what is asked for.

    Values are views of what `read` gave, or of a block that was unpacked.
    """

    def __init__(self, read: Read, size: int, *, check: bool = True) -> None:
        """Decode footer and index. size: bytes of the file. check: compare the checksum of each block.

        Raises: FormatError, naming the offset, for what is no table; ChecksumError; MissingExtra for compressed blocks.
        """
        self._read, self.nbytes, self._check = read, size, check
        self._key_bytes = 0
        self._kept: tuple[int, dict[bytes, memoryview]] = (-1, {})
        footer = bytes(read(max(0, size - FOOTER_BYTES), size))
        if not is_table(footer):
            raise FormatError(f"its last {FOOTER_BYTES} bytes are no table's footer")
        _, _, at = _handle(footer, 0)
        offset, nbytes, _ = _handle(footer, at)
        self._places = list(self._index(offset, nbytes))

    def __iter__(self) -> Iterator[tuple[bytes, memoryview]]:
        """Give all keys with their values, in order, one block at a time.

        Raises: as the constructor; FormatError too for keys that do not ascend.
        """
        last: bytes | None = None
        for place in self._places:
            for key, value in self._block(place.offset, place.nbytes):
                if last is not None and key <= last:
                    raise FormatError(
                        f"the block at offset {place.offset} has the key {_short(key)} after {_short(last)}; "
                        "keys must ascend"
                    )
                last = key
                yield key, value

    def get(self, key: bytes) -> memoryview | None:
        """Find one value, by reading the one block that can have it; None if there is no such key."""
        number = bisect_left(self._places, key, key=lambda place: place.separator)
        if number == len(self._places):
            return None
        if self._kept[0] != number:  # neighbours are often asked for one after the other
            place = self._places[number]
            self._kept = (number, dict(self._block(place.offset, place.nbytes)))
        return self._kept[1].get(key)

    def _index(self, offset: int, nbytes: int) -> Iterator[_Place]:
        end = 0
        for separator, value in self._block(offset, nbytes):
            place = _Place(separator, *_handle(value, 0)[:2])
            if place.offset < end:
                raise FormatError(
                    f"the index at offset {offset} has a block at {place.offset}, and the one before ends at {end}"
                )
            end = place.offset + place.nbytes + _TRAILER_BYTES
            yield place

    def _block(self, offset: int, nbytes: int) -> Iterator[tuple[bytes, memoryview]]:
        """Give the entries of a block."""
        content = self._content(offset, nbytes)
        where = f"the block at offset {offset}"
        restarts = int.from_bytes(content[-4:], "little")
        end = len(content) - 4 * (restarts + 1)
        if len(content) < 4 or end < 0:
            raise FormatError(f"{where} has {len(content)} bytes, too few for its {restarts} restart points")
        key, at = b"", 0
        while at < end:
            begin = at
            shared, at = varint(content, at, end)
            unshared, at = varint(content, at, end)
            value_bytes, at = varint(content, at, end)
            if shared > len(key) or unshared + value_bytes > end - at:
                raise FormatError(
                    f"{where} has an entry at {begin} that takes {shared} bytes of a key of {len(key)}, and "
                    f"{unshared} + {value_bytes} bytes of {end - at}"
                )
            key = key[:shared] + bytes(content[at : at + unshared])
            self._key_bytes += len(key)
            if self._key_bytes > _MOST_GROWTH * self.nbytes + _FREE_BYTES:
                raise FormatError(f"{where} has keys of more than {_MOST_GROWTH} times the bytes of the whole table")
            at += unshared + value_bytes
            yield key, content[at - value_bytes : at]

    def _content(self, offset: int, nbytes: int) -> memoryview:
        """Read a block, check it, and unpack it if need be."""
        if offset + nbytes + _TRAILER_BYTES > self.nbytes - FOOTER_BYTES:
            raise FormatError(f"the block at offset {offset} has {nbytes} bytes, and the file ends at {self.nbytes}")
        raw = memoryview(self._read(offset, offset + nbytes + _TRAILER_BYTES))
        kind, stored = raw[nbytes], int.from_bytes(raw[nbytes + 1 :], "little")
        if self._check and (found := crc32c.masked(raw[: nbytes + 1])) != stored:
            raise ChecksumError(
                f"the block at offset {offset}, {nbytes} bytes, has the checksum {found:08x}, and {stored:08x} is "
                "recorded: the file is damaged"
            )
        if kind == _STORED:
            return raw[:nbytes]
        if kind != _SNAPPY:
            raise FormatError(
                f"the block at offset {offset} is compressed by method {kind}; 0 (not at all) and 1 (Snappy) are known"
            )
        try:
            return memoryview(snappy_block(self._bounded(raw[:nbytes])))
        except FormatError as error:
            raise FormatError(f"the block at offset {offset} cannot be unpacked: {error}") from error

    def _bounded(self, packed: memoryview) -> memoryview:
        """Refuse a compressed block that would take many times the memory of the whole table."""
        length, most = varint(packed, 0)[0], _MOST_GROWTH * self.nbytes + _FREE_BYTES
        if length > most:
            raise FormatError(f"it claims {length} bytes, and {most} are allowed in a table of {self.nbytes}")
        return packed


def _handle(data: Any, at: int) -> tuple[int, int, int]:
    """Read a block's offset and size; give the offset after them too."""
    offset, at = varint(data, at)
    nbytes, at = varint(data, at)
    return offset, nbytes, at


def _short(key: bytes) -> str:
    text = repr(key)
    return text if len(text) <= 100 else f"{text[:100]}..."
