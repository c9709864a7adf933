"""Protocol buffer messages, read field by field. What any message means may not enter.

TensorFlow's messages are never registered with the protobuf library: a process can hold one definition of each name,
and that place is TensorFlow's. Source of the encoding: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError

Buffer: TypeAlias = bytes | bytearray | memoryview

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_NAMES = {VARINT: "a varint", FIXED64: "8 bytes", BYTES: "a length and bytes", FIXED32: "4 bytes"}
_MOST_VARINT_BYTES = 10
_BLOCK_BYTES = 1 << 16
_MOST_FIELDS = 1 << 16  # each takes a hundred times the memory that it needs in a file


def varint(data: Buffer, at: int, end: int | None = None) -> tuple[int, int]:
    """Read an unsigned varint of at most 64 bits; give it and the offset after it.

    Raises: FormatError for one that is cut short or too long.
    """
    end = len(data) if end is None else end
    if at < end and data[at] < 0x80:  # most are one byte
        return data[at], at + 1
    value = 0
    for place in range(at, min(at + _MOST_VARINT_BYTES, end)):
        byte = data[place]
        value |= (byte & 0x7F) << (7 * (place - at))
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place + 1
    if at + _MOST_VARINT_BYTES <= end:
        raise FormatError(f"the varint at offset {at} has more than {_MOST_VARINT_BYTES} bytes")
    raise FormatError(f"the varint at offset {at} is cut short at {end}")


def signed(value: int) -> int:
    """Read 64 unsigned bits as an int64, as protobuf's int32 and int64 fields are meant."""
    return value - (1 << 64) if value >= 1 << 63 else value


def fields(data: Buffer) -> Iterator[tuple[int, int, Any]]:
    """Give number, wire type and value of each field: an unsigned int, or a memoryview of length-delimited bytes.

    Raises: FormatError, naming the offset in `data`, for what is no message.
    """
    view = memoryview(data)
    at, end = 0, len(view)
    while at < end:
        key = view[at]
        if 8 <= key < 0x80 and at + 1 < end and (size := view[at + 1]) < 0x80:  # most are: a third of the time
            kind, at = key & 7, at + 2
            if kind == VARINT:
                yield key >> 3, kind, size
                continue
            if kind == BYTES and at + size <= end:
                yield key >> 3, kind, view[at : at + size]
                at += size
                continue
            at -= 2
        number, kind, value, at = field_at(view, at)
        yield number, kind, value


def field_at(view: memoryview, begin: int) -> tuple[int, int, Any, int]:
    """Read the field that begins at an offset: as `fields` gives it, and the offset after it.

    Raises: FormatError, naming the offset, for what is no field.
    """
    key, at = varint(view, begin)
    number, kind = key >> 3, key & 7
    if not 0 < number < 1 << 29:
        raise FormatError(f"the field at offset {begin} has the number {number}; 1 to {(1 << 29) - 1} are allowed")
    if kind == VARINT:
        return number, kind, *varint(view, at)
    if kind == BYTES:
        size, at = varint(view, at)
    elif kind in (FIXED64, FIXED32):
        size = 8 if kind == FIXED64 else 4
    else:
        raise FormatError(f"the field {number} at offset {begin} has the wire type {kind}; 0, 1, 2 and 5 are known")
    if size > len(view) - at:
        raise FormatError(f"the field {number} at offset {begin} has {size} bytes, and {len(view) - at} follow")
    content = view[at : at + size]
    return number, kind, content if kind == BYTES else int.from_bytes(content, "little"), at + size


class Message:
    """One message with its fields by number. A field that is absent has its proto3 default, 0 or empty."""

    def __init__(self, data: Buffer) -> None:
        """Raises: FormatError for what is no message, and for one of more fields than any that is read so."""
        self.nbytes = len(data)
        self._fields: dict[int, list[tuple[int, Any]]] = {}
        for place, (number, kind, value) in enumerate(fields(data)):
            if place == _MOST_FIELDS:
                raise FormatError(f"the message has more than {_MOST_FIELDS} fields, which none that is known has")
            self._fields.setdefault(number, []).append((kind, value))

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the fields that are there."""
        return frozenset(self._fields)

    def integer(self, number: int) -> int:
        """Give an int32, int64, bool or enum; of several, the last."""
        return signed(self.unsigned(number))

    def unsigned(self, number: int) -> int:
        """Give a uint32 or uint64; of several, the last."""
        found = self._all(number, VARINT)
        return int(found[-1]) if found else 0

    def fixed32(self, number: int) -> int:
        """Give the bits of a fixed32 or float; of several, the last."""
        found = self._all(number, FIXED32)
        return int(found[-1]) if found else 0

    def fixed64(self, number: int) -> int:
        """Give the bits of a fixed64 or double; of several, the last."""
        found = self._all(number, FIXED64)
        return int(found[-1]) if found else 0

    def content(self, number: int) -> memoryview:
        """Give a bytes field; of several, the last."""
        found = self._all(number, BYTES)
        return found[-1] if found else memoryview(b"")

    def contents(self, number: int) -> list[memoryview]:
        """Give a repeated bytes or string field."""
        return self._all(number, BYTES)

    def text(self, number: int) -> str:
        """Give a string field; bytes that are no UTF-8 stay as surrogates, so that names remain apart."""
        return str(self.content(number), "utf-8", "surrogateescape")

    def texts(self, number: int) -> list[str]:
        """Give a repeated string field."""
        return [str(one, "utf-8", "surrogateescape") for one in self._all(number, BYTES)]

    def message(self, number: int) -> Message:
        """Give an embedded message; several are one that was written in parts. An absent one has no fields."""
        found = self._all(number, BYTES)
        return Message(found[0] if len(found) == 1 else b"".join(found))

    def messages(self, number: int) -> Iterator[Message]:
        """Give a repeated message field, one after the other: together they take far more memory than their bytes."""
        return map(Message, self._all(number, BYTES))

    def integers(self, number: int, dtype: Any = np.int64) -> NDArray[Any]:
        """Give a repeated varint field, packed or not; dtype: an integer dtype, whose range higher bits are cut to."""
        runs = []
        for kind, value in self._fields.get(number, ()):
            if kind not in (VARINT, BYTES):
                raise self._unexpected(number, kind, VARINT)
            runs.append(np.array([value], np.uint64) if kind == VARINT else varints(value))
        return np.concatenate([np.empty(0, np.uint64), *runs]).astype(dtype)

    def fixed(self, number: int, dtype: Any) -> NDArray[Any]:
        """Give a repeated field of 4 or 8 bytes an element, packed or not, as this dtype: a new array."""
        wanted = np.dtype(dtype).newbyteorder("<")
        single = FIXED32 if wanted.itemsize == 4 else FIXED64
        runs = []
        for kind, value in self._fields.get(number, ()):
            if kind == single:
                runs.append(np.frombuffer(value.to_bytes(wanted.itemsize, "little"), wanted))
            elif kind != BYTES:
                raise self._unexpected(number, kind, single)
            elif len(value) % wanted.itemsize:
                raise FormatError(f"the packed field {number} has {len(value)} bytes, no multiple of {wanted.itemsize}")
            else:
                runs.append(np.frombuffer(value, wanted))
        return np.concatenate([np.empty(0, wanted), *runs]).astype(np.dtype(dtype), copy=False)

    def _all(self, number: int, kind: int) -> list[Any]:
        found = self._fields.get(number, [])
        for other, _ in found:
            if other != kind:
                raise self._unexpected(number, other, kind)
        return [value for _, value in found]

    def _unexpected(self, number: int, kind: int, wanted: int) -> FormatError:
        return FormatError(f"the field {number} holds {_NAMES[kind]}, and must hold {_NAMES[wanted]}")


def varints(data: Buffer, dtype: Any = np.uint64) -> NDArray[Any]:
    """Read bytes that are varints back to back.

    dtype: an integer dtype, whose range higher bits are cut to, or bool, which is whether there is any bit.
    Raises: FormatError for one that is cut short or too long.
    """
    raw = np.frombuffer(data, np.uint8)
    if not raw.size:
        return np.empty(0, dtype)
    result = np.empty(int(np.count_nonzero(raw < 0x80)), dtype)
    at = done = 0
    while at < raw.size:
        block = raw[at : at + _BLOCK_BYTES]
        ends = np.flatnonzero(block < 0x80)
        if not ends.size:
            raise FormatError(f"the packed varint at offset {at} is cut short or has more than 10 bytes")
        block = block[: ends[-1] + 1]
        starts = np.concatenate([[0], ends[:-1] + 1])
        lengths = ends - starts + 1
        if lengths.max() > _MOST_VARINT_BYTES:
            raise FormatError(f"the packed varint at offset {at + starts[lengths.argmax()]} has more than 10 bytes")
        shifts = (np.arange(block.size) - np.repeat(starts, lengths)).astype(np.uint64) * np.uint64(7)
        bits = (block & 0x7F).astype(np.uint64) << shifts
        result[done : done + ends.size] = np.bitwise_or.reduceat(bits, starts)
        done += ends.size
        at += block.size
    return result
