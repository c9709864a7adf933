"""What tf.data's snapshots say of themselves, and the records of those before version 2. No file may enter.

Source: tensorflow/core/protobuf/snapshot.proto, tensorflow/core/data/snapshot_utils.cc. Before version 2 a record is
its length in 8 bytes and its data, without checksums, and it has all components of an element; here it becomes one
TensorProto for each, as version 2 has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .._dtypes import from_enum
from .._errors import FormatError
from .compression import Read, snappy_block, unpacked
from .protobuf import Buffer, Message
from .records import Block, block_of
from .structure import MOST_LEAVES
from .tensor_writing import beginning, content

_LENGTH_BYTES = 8
_FINALIZED = 1000
_BLOCK_BYTES = 1 << 20
_STRING = 7
_MOST_HELD_BYTES, _MOST_HELD_RATIO = 48 << 20, 10


class Metadata(NamedTuple):
    """A SnapshotMetadataRecord. enums: of the components. elements: their number; negative where it is not known."""

    run_id: str
    version: int
    enums: list[int]
    elements: int
    finalized: bool


def metadata(data: Buffer) -> Metadata:
    """Read a SnapshotMetadataRecord.

    Raises: FormatError for what is none.
    """
    message = Message(data)
    enums = message.integers(5, np.int64)
    if len(enums) > MOST_LEAVES:
        raise FormatError(f"it tells of {len(enums)} components; {MOST_LEAVES} are allowed")
    return Metadata(
        message.text(2),
        message.integer(4),
        enums.tolist(),
        message.integer(6) if 6 in message else -1,
        bool(message.integer(_FINALIZED)),
    )


def old_blocks(read: Read, size: int, version: int, enums: Sequence[int]) -> Iterator[Block]:
    """Give the records of a file of version 0 or 1 in blocks, one TensorProto for each component of an element.

    enums: of the components. Offsets in the blocks mean nothing.
    Raises: FormatError for a damaged file; MissingExtra.
    """
    held: list[Buffer] = []
    numbers, nbytes = 0, 0
    for element in _elements(read, size, version, enums):
        if len(element) != len(enums):
            raise FormatError(f"an element has {len(element)} components, and {len(enums)} are recorded")
        held += element
        nbytes += sum(map(len, element))
        if nbytes >= _BLOCK_BYTES:
            yield _block(held, numbers)
            numbers, held, nbytes = numbers + len(held), [], 0
    if held:
        yield _block(held, numbers)


def _elements(read: Read, size: int, version: int, enums: Sequence[int]) -> Iterator[list[Buffer]]:
    records = _records(unpacked(read, size, _compression(read, size, version)), size)
    for record in records:
        components = Message(record).contents(1)
        if version == 0 or not components or 1 in Message(components[0]):
            yield list(components)
            continue
        block = next(records, None)
        if block is None:
            raise FormatError("its last element has no data")
        yield list(_unpacked_element(components, memoryview(snappy_block(block)), enums))


def _unpacked_element(components: list[memoryview], raw: memoryview, enums: Sequence[int]) -> Iterator[Buffer]:
    """Give a TensorProto for each component of an element that Snappy compressed as a whole."""
    at = 0
    for component, enum in zip(map(Message, components), enums, strict=False):
        size = component.integer(3)
        if not 0 <= size <= len(raw) - at:
            raise FormatError(f"a component takes {size} bytes, and {len(raw) - at} are left")
        part, at = raw[at : at + size], at + size
        if from_enum(enum) is None or enum == _STRING:
            yield part
        else:
            yield beginning(enum, component.content(2)) + content(part)


def _compression(read: Read, size: int, version: int) -> str:
    """Tell how the file is compressed as a whole: by its first bytes, which else are a length.

    With Snappy only version 0 does that.
    """
    head = bytes(read(0, min(size, _LENGTH_BYTES)))
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    fits = len(head) < _LENGTH_BYTES or int.from_bytes(head, "little") <= size - _LENGTH_BYTES
    return "none" if fits or version > 0 else "snappy"


def _records(pieces: Iterable[Buffer], size: int) -> Iterator[memoryview]:
    held, needed, most = bytearray(), _LENGTH_BYTES, max(_MOST_HELD_BYTES, _MOST_HELD_RATIO * size)
    for piece in pieces:
        if held or len(piece) < needed:
            held += piece
        if len(held or piece) < needed:
            continue
        view, at, needed = memoryview(held or piece), 0, _LENGTH_BYTES
        while len(view) - at >= _LENGTH_BYTES:
            length = int.from_bytes(view[at : at + _LENGTH_BYTES], "little")
            if length > most:
                raise FormatError(f"a record of {length} bytes is too large for a file of {size}")
            if length > len(view) - at - _LENGTH_BYTES:
                needed = _LENGTH_BYTES + length
                break
            yield view[at + _LENGTH_BYTES : at + _LENGTH_BYTES + length]
            at += _LENGTH_BYTES + length
        held = bytearray(view[at:])
    if held:
        raise FormatError(f"its last record is cut short: it takes {needed} bytes at least, and {len(held)} are left")


def _block(records: list[Buffer], first: int) -> Block:
    return block_of(records, np.arange(first, first + len(records)))
