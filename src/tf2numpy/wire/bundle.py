"""The header and the entries of a tensor bundle, the second version of checkpoints. Tensors' bytes may not enter.

Sources: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/tensor_bundle/tensor_bundle.cc,
tensorflow/core/framework/{tensor_shape,versions}.proto.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from .._errors import FormatError
from .protobuf import BYTES, FIXED32, VARINT, Buffer, Message, fields, signed, varint
from .slices import Extents, extents
from .tensor_fields import sizes

_VERSION = 1
_MOST_SLICES = 1 << 16  # of one tensor: each takes some fifty times the memory that it needs in a file
_MOST_SHARDS = 99_999  # file names have five digits
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CRC, _SLICES = range(1, 8)
_KINDS = {_SHAPE: BYTES, _SLICES: BYTES, _CRC: FIXED32}
_NUMBER = rb"([\x80-\xff]{0,9}[\x00-\x7f])"
_AXIS = re.compile(rb"\x12([\x00-\x0b])(?:\x08%b)?" % _NUMBER)
_SHORT = re.compile(  # the fields 1 to 6 in their order, all but the first two optional
    rb"\x08([\x01-\x7f])\x12([\x00-\x7f])((?:\x12[\x00-\x0b](?:\x08[\x80-\xff]{0,9}[\x00-\x7f])?)*)"
    rb"(?:\x18%b)?(?:\x20%b)?(?:\x28%b)?(?:\x35(.{4}))?" % (_NUMBER, _NUMBER, _NUMBER),
    re.DOTALL,
)


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
    found = _short_way(bytes(value))
    if found is not None:
        return found
    found = _long_way(value)
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
            if len(slices) > _MOST_SLICES:
                raise FormatError(f"it is in more than {_MOST_SLICES} parts, which no tensor that is written is")
        else:
            numbers[number] = signed(content)
    shard, offset, size, crc = (numbers[number] for number in (_SHARD, _OFFSET, _SIZE, _CRC))
    return Entry(numbers[_DTYPE], shape, shard, offset, size, crc, tuple(slices))


def _short_way(data: bytes) -> Entry | None:
    """Decode an entry that is encoded as TensorFlow does, in a fraction of the time; None for any other."""
    match = _SHORT.fullmatch(data)
    if match is None:
        return None
    enum, size_of_shape, sizes_of_axes, *places, crc = match.groups(b"\0")
    shape = _short_sizes(sizes_of_axes)
    if shape is None or size_of_shape[0] != len(sizes_of_axes):
        return None
    shard, offset, size = (one[0] if len(one) == 1 else varint(one, 0)[0] for one in places)
    if max(shard, offset, size) >= 1 << 63:
        return None
    return Entry(enum[0], shape, shard, offset, size, int.from_bytes(crc, "little"))


@functools.lru_cache(1024)  # most tensors share a few shapes
def _short_sizes(data: bytes) -> tuple[int, ...] | None:
    found = []
    for nbytes, size in _AXIS.findall(data):
        if nbytes[0] != (1 + len(size) if size else 0):
            return None
        found.append(varint(size, 0)[0] if size else 0)
    return tuple(found) if max(found, default=0) < 1 << 63 else None
