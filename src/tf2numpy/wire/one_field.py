"""One field of a message, found without keeping the others. What any message means may not enter.

`protobuf.Message` keeps all fields, which costs many times the bytes of small ones: these are for messages whose size
nothing bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._errors import FormatError
from .protobuf import BYTES, VARINT, Buffer, fields, signed


def contents(data: Buffer, number: int) -> Iterator[memoryview]:
    """Give a repeated bytes, string or message field.

    Raises: FormatError for what is no message, and for a field of another wire type.
    """
    for found, kind, value in fields(data):
        if found == number:
            if kind != BYTES:
                raise FormatError(f"the field {number} has the wire type {kind}, and must have {BYTES}")
            yield value


def content(data: Buffer, number: int) -> memoryview:
    """Give a bytes field; of several, the last. Raises: as `contents`."""
    last = memoryview(b"")
    for value in contents(data, number):
        last = value
    return last


def text(data: Buffer, number: int) -> str:
    """Give a string field; bytes that are no UTF-8 stay as surrogates. Raises: as `contents`."""
    return str(content(data, number), "utf-8", "surrogateescape")


def integer(data: Buffer, number: int) -> int:
    """Give an int32, int64, bool or enum; of several, the last.

    Raises: FormatError for what is no message, and for a field of another wire type.
    """
    last = 0
    for found, kind, value in fields(data):
        if found == number:
            if kind != VARINT:
                raise FormatError(f"the field {number} has the wire type {kind}, and must have {VARINT}")
            last = value
    return signed(last)
