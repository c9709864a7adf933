"""What an Arrow IPC file says of its record batches without a look at their bodies: rows, nulls, compression.

Nothing else of the format is decoded here. Source of its facts: File.fbs and Message.fbs of Arrow's format 1.5, and the
layout of FlatBuffers: a table begins with the distance back to its vtable, which has the place of each field in it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError

MAGIC = b"ARROW1"
TAIL_BYTES = 4 + len(MAGIC)  # the length of the footer, and the magic once more
_CONTINUED = 0xFFFFFFFF
_RECORD_BATCH = 3
_BLOCK = np.dtype([("offset", "<i8"), ("metadata", "<i4"), ("padding", "<i4"), ("body", "<i8")])
_NODE = np.dtype([("length", "<i8"), ("nulls", "<i8")])


class Batch(NamedTuple):
    """A record batch. nulls: of each of its arrays, depth first; is_compressed: its buffers are."""

    rows: int
    nulls: NDArray[np.int64]
    is_compressed: bool


def footer_bytes(tail: bytes, size: int) -> int:
    """Give the length of the footer, which ends where the last bytes of a file of so many bytes begin.

    Raises: FormatError for an end that is none of such a file: it was cut off.
    """
    if len(tail) != TAIL_BYTES or tail[4:] != MAGIC:
        raise FormatError(f"it does not end with {MAGIC.decode()}, so its footer is not there: it was cut off")
    length: int = struct.unpack_from("<i", tail)[0]
    if not 0 < length <= size - TAIL_BYTES - len(MAGIC):
        raise FormatError(f"its footer has {length} bytes, and the file {size}")
    return length


def batches(footer: memoryview) -> list[tuple[int, int]]:
    """Say where the metadata of each record batch lies: from which offset of the file to which.

    Raises: FormatError for what is no footer.
    """
    try:
        blocks = _root(footer).structs(3, _BLOCK)
    except (struct.error, ValueError) as error:
        raise FormatError(f"its footer is damaged: {error}") from error
    return [(int(block["offset"]), int(block["offset"]) + int(block["metadata"])) for block in blocks]


def batch(metadata: memoryview) -> Batch:
    """Read the metadata of a record batch.

    Raises: FormatError for what is none.
    """
    try:
        begin = 8 if struct.unpack_from("<I", metadata)[0] == _CONTINUED else 4
        message = _root(metadata[begin:])
        if message.number(1, "<B") != _RECORD_BATCH:
            raise FormatError("a record batch is of another kind")
        header = message.table(2)
        if header is None:
            raise FormatError("a record batch has no header")
        rows = header.number(0, "<q")
        nulls = header.structs(1, _NODE)["nulls"]
        compressed = header.table(3) is not None
    except (struct.error, ValueError) as error:
        raise FormatError(f"the metadata of a record batch is damaged: {error}") from error
    if rows < 0:
        raise FormatError(f"a record batch has {rows} rows")
    return Batch(rows, nulls.astype(np.int64), compressed)


class _Table(NamedTuple):
    """A table of a FlatBuffer, at an offset of it."""

    data: memoryview
    at: int

    def number(self, field: int, code: str) -> int:
        """Give a number; 0, its default, where it is left out."""
        place = self._place(field)
        return struct.unpack_from(code, self.data, place)[0] if place else 0

    def table(self, field: int) -> _Table | None:
        """Give a table; None where it is left out."""
        place = self._place(field)
        return _Table(self.data, place + struct.unpack_from("<I", self.data, place)[0]) if place else None

    def structs(self, field: int, kind: np.dtype[np.void]) -> NDArray[np.void]:
        """Give a vector of structs."""
        place = self._place(field)
        if not place:
            return np.empty(0, kind)
        start = place + struct.unpack_from("<I", self.data, place)[0]
        count = struct.unpack_from("<I", self.data, start)[0]
        if start + 4 + count * kind.itemsize > len(self.data):
            raise FormatError(f"a vector at {start} has {count} elements, more than there is room for")
        return np.frombuffer(self.data, kind, count, start + 4)

    def _place(self, field: int) -> int:
        vtable = self.at - struct.unpack_from("<i", self.data, self.at)[0]
        if vtable < 0:
            raise FormatError(f"the table at {self.at} begins before the message")
        if 4 + 2 * field + 2 > struct.unpack_from("<H", self.data, vtable)[0]:
            return 0
        offset: int = struct.unpack_from("<H", self.data, vtable + 4 + 2 * field)[0]
        return self.at + offset if offset else 0


def _root(data: memoryview) -> _Table:
    return _Table(data, struct.unpack_from("<I", data)[0])
