"""TensorProtos put together of their parts: what older and other formats hold, in the form that all else reads.

Only bytes may enter, no arrays.
"""

from __future__ import annotations

from collections.abc import Iterable

from .protobuf import BYTES, VARINT, Buffer

_DTYPE, _SHAPE, _CONTENT, _VARIANTS, _DIM, _DIM_SIZE = 1, 2, 4, 15, 2, 1


def beginning(enum: int, shape: Buffer) -> bytes:
    """Give the dtype and the shape of a tensor; shape: a TensorShapeProto."""
    return b"".join([_key(_DTYPE, VARINT), _varint(enum), _field(_SHAPE, shape)])


def shape_proto(sizes: Iterable[int]) -> bytes:
    """Give a TensorShapeProto; of a size of 0 there is a dimension, and no field in it."""
    return b"".join(_field(_DIM, _key(_DIM_SIZE, VARINT) + _varint(size) if size else b"") for size in sizes)


def content(data: Buffer) -> bytes:
    """Give the content of a tensor, nothing if it has none."""
    return _field(_CONTENT, data) if len(data) else b""


def variant_values(elements: Iterable[Buffer]) -> bytes:
    """Give the variants of a tensor."""
    return b"".join(_field(_VARIANTS, element) for element in elements)


def _field(number: int, data: Buffer) -> bytes:
    return b"".join([_key(number, BYTES), _varint(len(data)), data])


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
