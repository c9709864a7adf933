"""The compressions around a whole file of records, unpacked piece by piece. What is in the pieces may not enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/io/{zlib_inputstream.cc, snappy/snappy_inputstream.cc}. A file of raw
Snappy blocks has the length of each before it, in 4 bytes, big-endian.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from .._errors import FormatError
from .._registry import fastest_zlib, require
from .protobuf import Buffer, varint

# (start, stop) -> those bytes of a file.
Read = Callable[[int, int], Any]

PIECE_BYTES = 1 << 20
_INPUT_BYTES = 1 << 20  # less makes ISA-L take a tenth more time
_WINDOW_BITS = {"gzip": 31, "zlib": 15}
_FRAME_HEADER = 4


def unpacked(read: Read, size: int, compression: str, *, salvage: bool = False) -> Iterator[Buffer]:
    """Give what a file of that size holds, in pieces of about PIECE_BYTES.

    compression: "none", "gzip" (of several members, too), "zlib" or "snappy". salvage: before an error, give whatever
    can be had of a deflated file that is damaged or cut short, to the last byte, for the time of unpacking it again.
    Raises: FormatError, naming the offset in the file, for what cannot be unpacked; MissingExtra.
    """
    if compression == "none":
        return (memoryview(read(at, min(at + PIECE_BYTES, size))) for at in range(0, size, PIECE_BYTES))
    if compression == "snappy":
        return _snappy_frames(read, size)
    found = _deflated(read, size, compression, fastest_zlib())
    return _salvaged(found, read, size, compression) if salvage else found


def snappy_block(data: Buffer) -> Buffer:
    """Unpack one raw Snappy block.

    Raises: FormatError for a damaged one; MissingExtra.
    """
    snappy = require("cramjam", "reading what Snappy compressed").snappy
    size, start = varint(data, 0)
    if size > 22 * (len(data) - start) + 64:  # the best a block can do is 64 bytes of 3
        raise FormatError(f"the Snappy block claims {size} bytes, and its {len(data)} bytes cannot hold as many")
    try:
        found = memoryview(snappy.decompress_raw(bytes(data)))
    except Exception as error:  # its errors have no class of their own
        raise FormatError(f"the Snappy block of {len(data)} bytes cannot be unpacked: {error}") from error
    if len(found) != size:
        raise FormatError(f"the Snappy block claims {size} bytes, and unpacks to {len(found)}")
    return found


def _snappy_frames(read: Read, size: int) -> Iterator[Buffer]:
    at = 0
    while at < size:
        start = at + _FRAME_HEADER
        length = int.from_bytes(bytes(read(at, start)), "big") if start <= size else 0
        if not 0 < length <= size - start:
            raise FormatError(
                f"the Snappy block at offset {at} is cut short: it promises {length} bytes, and the file ends at {size}"
            )
        try:
            yield snappy_block(memoryview(read(start, start + length)))
        except FormatError as error:
            raise FormatError(f"at offset {at}: {error}") from error
        at = start + length


def _deflated(read: Read, size: int, compression: str, library: Any) -> Iterator[Buffer]:
    work = None
    for at in range(0, size, _INPUT_BYTES):
        rest: Any = memoryview(read(at, min(at + _INPUT_BYTES, size)))
        while len(rest):
            work = work or library.decompressobj(_WINDOW_BITS[compression])
            try:
                piece = work.decompress(rest, PIECE_BYTES)
            except (zlib.error, library.error) as error:
                raise FormatError(f"the {compression} stream cannot be unpacked near offset {at}: {error}") from error
            if piece:
                yield piece
            rest = work.unused_data if work.eof else work.unconsumed_tail
            if work.eof:
                work = None
                if rest and compression == "zlib":
                    raise FormatError(f"the zlib stream ends near offset {at}, and the file goes on")
    if work is not None:
        yield from _tail(work, library, compression, size)


def _tail(work: Any, library: Any, compression: str, size: int) -> Iterator[Buffer]:
    """Give what the library still holds back when its input has ended, which must end the stream."""
    try:
        while not work.eof and (piece := work.decompress(b"", PIECE_BYTES)):
            yield piece
    except (zlib.error, library.error) as error:
        raise FormatError(f"the {compression} stream cannot be unpacked near offset {size}: {error}") from error
    if not work.eof:
        raise FormatError(f"the {compression} stream is cut short at {size}, where the file ends")


def _salvaged(found: Iterator[Buffer], read: Read, size: int, compression: str) -> Iterator[Buffer]:
    """Give what can be unpacked; at an error, unpack all again, so that nothing before what is wrong is missing.

    A library that meets an error gives nothing of the piece that it was in, and ISA-L keeps the last byte to itself of
    a stream that is cut short.
    """
    given = done = 0
    try:
        for piece in found:
            given += len(piece)
            yield piece
    except FormatError:
        for again in _to_the_last_byte(read, size, _WINDOW_BITS[compression]):
            done += len(again)
            if done > given:
                yield again[max(0, len(again) - (done - given)) :]
        raise


def _to_the_last_byte(read: Read, size: int, bits: int) -> Iterator[bytes]:
    """Unpack up to where something is wrong, by zlib: it can go back to before it met an error."""
    work = zlib.decompressobj(bits)
    for at in range(0, size, _INPUT_BYTES):
        rest = bytes(read(at, min(at + _INPUT_BYTES, size)))
        while rest:
            before = work.copy()
            try:
                yield work.decompress(rest, PIECE_BYTES)
            except zlib.error:
                yield _byte_by_byte(before, rest)
                return
            rest = work.unused_data if work.eof else work.unconsumed_tail
            if work.eof:
                work = zlib.decompressobj(bits)
    while piece := work.decompress(b"", PIECE_BYTES):
        yield piece


def _byte_by_byte(work: Any, data: bytes) -> bytes:
    found = bytearray()
    with suppress(zlib.error):
        for number in data:
            found += work.decompress(bytes([number]))
    return bytes(found)
