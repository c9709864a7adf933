"""The header and the entries of a tensor bundle, the second version of checkpoints. Tensors' bytes may not enter.

Sources: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/tensor_bundle/tensor_bundle.cc,
tensorflow/core/framework/{tensor_shape,versions}.proto.
"""

from __future__ import annotations

from typing import NamedTuple

from .._errors import FormatError
from .protobuf import BYTES, FIXED32, VARINT, Buffer, Message, fields, signed, varint
from .slices import Extents, extents
from .tensor_fields import sizes

_VERSION = 1
_MOST_SHARDS = 99_999  # file names have five digits
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CRC, _SLICES = range(1, 8)
_KINDS = {_SHAPE: BYTES, _SLICES: BYTES, _CRC: FIXED32}
_SHORT_KEYS = frozenset(number << 3 | _KINDS.get(number, VARINT) for number in range(_DTYPE, _SLICES))
_DIM, _DIM_SIZE = 2 << 3 | BYTES, b"\x08"


class Header(NamedTuple):
    """What the first entry, under the empty key, says of all others."""

    shards: int
    big_endian: bool


class Entry(NamedTuple):
    """Where one tensor lies.

    enum: TensorFlow's number of its dtype. offset, size: in bytes, in its shard. crc: the masked checksum of them.
    slices: of a tensor in parts, what they are; it has no bytes of its own then, but an entry for each part.
    """

    enum: int
    shape: tuple[int, ...]
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0
    slices: tuple[Extents, ...] = ()


def is_header(value: Buffer) -> bool:
    """Tell a bundle's first entry from that of a checkpoint of version 1, whose first field is no number."""
    return all(number != 1 or kind == VARINT for number, kind, _ in fields(value))


def header(value: Buffer) -> Header:
    """Decode a BundleHeaderProto.

    Raises: FormatError for one that this version cannot read.
    """
    found = Message(value)
    shards, order, version = found.integer(1), found.integer(2), found.message(3)
    if version.integer(2) > _VERSION or _VERSION in version.integers(3):
        raise FormatError(
            f"it asks for readers of version {version.integer(2)} and not {version.integers(3).tolist()}; version "
            f"{_VERSION} is known here"
        )
    if not 1 <= shards <= _MOST_SHARDS or order not in (0, 1):
        raise FormatError(
            f"its header tells of {shards} data files and byte order {order}; 1 to {_MOST_SHARDS} can be, and 0 or 1"
        )
    return Header(shards, order == 1)


def entry(value: Buffer) -> Entry:
    """Decode a BundleEntryProto.

    Raises: FormatError for a shape that is not known, and for negative numbers.
    """
    found = _short_way(bytes(value)) or _long_way(value)
    if min(found.enum - 1, found.shard, found.offset, found.size, *found.shape) < 0:
        raise FormatError(
            f"it has dtype {found.enum}, shape {found.shape}, data file {found.shard}, offset {found.offset} and "
            f"{found.size} bytes; none can be negative, nor the dtype 0"
        )
    return found


def _long_way(value: Buffer) -> Entry:
    numbers = dict.fromkeys(range(_DTYPE, _SLICES + 1), 0)
    shape: tuple[int, ...] = ()
    slices: list[Extents] = []
    for number, kind, content in fields(value):
        if number not in numbers:
            continue
        if kind != (wanted := _KINDS.get(number, VARINT)):
            raise FormatError(f"the field {number} has the wire type {kind}, and must have {wanted}")
        if number == _SHAPE:
            known = sizes(Message(content))
            if known is None:
                raise FormatError("not even the rank of its shape is known")
            shape = known
        elif number == _SLICES:
            slices.append(extents(Message(content)))
        else:
            numbers[number] = signed(content)
    shard, offset, size, crc = (numbers[number] for number in (_SHARD, _OFFSET, _SIZE, _CRC))
    return Entry(numbers[_DTYPE], shape, shard, offset, size, crc, tuple(slices))


def _short_way(data: bytes) -> Entry | None:
    """Decode an entry that is encoded as TensorFlow does, in a fraction of the time; None for any other."""
    numbers = [0] * _SLICES
    shape: tuple[int, ...] | None = ()
    at, last = 0, 0
    while at < len(data):
        number = data[at] >> 3
        if data[at] not in _SHORT_KEYS or number <= last:
            return None
        at, last = at + 1, number
        if number == _CRC:
            numbers[_CRC] = int.from_bytes(data[at : at + 4], "little")
            at += 4
            continue
        numbers[number], at = varint(data, at)
        if number == _SHAPE:
            shape = _short_sizes(data[at : at + numbers[_SHAPE]])
            at += numbers[_SHAPE]
    if at != len(data) or shape is None or max(numbers) >= 1 << 63:
        return None
    return Entry(numbers[_DTYPE], shape, numbers[_SHARD], numbers[_OFFSET], numbers[_SIZE], numbers[_CRC])


def _short_sizes(data: bytes) -> tuple[int, ...] | None:
    found, at = [], 0
    while at < len(data):
        size, after = 0, at + 2
        if data[at + 1 : at + 2] != b"\0":
            if data[at + 2 : at + 3] != _DIM_SIZE:
                return None
            size, after = varint(data, at + 3)
        if data[at] != _DIM or after != at + 2 + data[at + 1] or size >= 1 << 63:
            return None
        found.append(size)
        at = after
    return tuple(found)
