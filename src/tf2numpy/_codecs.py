"""The codecs that several formats share: bytes to fewer bytes and back. No file, array layout or format may enter.

Each library is loaded when its codec is first used. All of them let go of Python's lock while they work, so that
threads help. Decoding is bounded: what claims, or turns out, to be larger than it may be is refused.

zstd is at level 1, and gzip too: on float32 weights they are as small as at the default levels (1.08 times smaller),
in half the time. gzip is ISA-L where it is installed, some ten times as fast as Python's zlib. blosc is lz4 after a
shuffle of the bytes of each element: three to ten times as fast as zstd, and hardly larger for numbers; who wants
files as small as can be takes zstd.
"""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from ._registry import fastest_zlib, require

# What a decoder gives is asked for in pieces of this size where it does not say its own size.
_PIECE_BYTES = 1 << 20
_BLOSC_MOST_BYTES = (1 << 31) - 17
_UNKNOWN_SIZES = (-1, (1 << 64) - 1)
_LEVEL = 1

# The bytes of a C-contiguous array -> the encoded bytes.
Encode = Callable[[NDArray[Any]], bytes]
# (encoded bytes, the most that may come of them) -> the decoded bytes. Raises: ValueError saying what is wrong.
Decode = Callable[[bytes, int], bytes]

_SETTINGS: dict[str, dict[str, Any]] = {
    "zstd": {"level": _LEVEL, "checksum": False},
    "gzip": {"level": _LEVEL},
    "blosc": {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "blocksize": 0},
}
# The most bytes that one piece may have, of the codecs that have a limit.
LIMITS = {"blosc": _BLOSC_MOST_BYTES}


def settings(name: str, itemsize: int) -> dict[str, Any]:
    """Say how files record what `encoder` does to elements of that size."""
    return _SETTINGS[name] | ({"typesize": _unit(itemsize)} if name == "blosc" else {})


def encoder(name: str, purpose: str) -> Encode:
    """Give what encodes with the settings above; several threads may use it at once.

    purpose: for the message if a library is absent. Raises: MissingExtra.
    """
    return _ENCODERS[name](purpose)


def decoder(name: str, purpose: str) -> Decode:
    """Give what decodes this codec with any settings; several threads may use it at once.

    Raises: MissingExtra; KeyError for a codec that is not known.
    """
    return _DECODERS[name](purpose)


def _zstd_encoder(purpose: str) -> Encode:
    zstandard = require("zstandard", purpose)
    # One compressor serves one thread; making one takes no time beside a piece of some megabytes.
    return lambda array: bytes(zstandard.ZstdCompressor(level=_LEVEL).compress(_flat(array)))


def _gzip_encoder(purpose: str) -> Encode:
    zlib = fastest_zlib()

    return lambda array: bytes(zlib.compress(_flat(array), _LEVEL, 31))


def _blosc_encoder(purpose: str) -> Encode:
    require("numcodecs", purpose)
    blosc = importlib.import_module("numcodecs.blosc")

    def encode(array: NDArray[Any]) -> bytes:
        units = array.reshape(-1).view(f"u{_unit(array.itemsize)}")  # what the library takes of any dtype
        return bytes(blosc.compress(units, b"lz4", 5, blosc.SHUFFLE))

    return encode


def _zstd_decoder(purpose: str) -> Decode:
    zstandard = require("zstandard", purpose)

    def decode(data: bytes, most: int) -> bytes:
        try:
            size = zstandard.frame_content_size(data)
            _bound(0 if size in _UNKNOWN_SIZES else size, most)
            if size in _UNKNOWN_SIZES:
                return _pieces(zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read, most)
            return bytes(zstandard.ZstdDecompressor().decompress(data)) if size else b""
        except zstandard.ZstdError as error:
            raise ValueError(f"zstd says: {error}") from error

    return decode


def _gzip_decoder(purpose: str) -> Decode:
    zlib = fastest_zlib()

    def decode(data: bytes, most: int) -> bytes:
        found, rest = bytearray(), data
        try:
            while rest:
                work = zlib.decompressobj(31)
                found += work.decompress(rest, most - len(found) + 1)
                _bound(len(found), most)
                if not work.eof:
                    raise ValueError("the gzip stream ends too early")
                rest = work.unused_data
        except zlib.error as error:
            raise ValueError(f"gzip says: {error}") from error
        return bytes(found)

    return decode


def _blosc_decoder(purpose: str) -> Decode:
    require("numcodecs", purpose)
    blosc = importlib.import_module("numcodecs.blosc")

    def decode(data: bytes, most: int) -> bytes:
        if len(data) < 16:
            raise ValueError("the blosc header ends too early")
        nbytes, _, cbytes = struct.unpack_from("<III", data, 4)
        _bound(nbytes, most)
        if cbytes != len(data):
            raise ValueError(f"the blosc header tells of {cbytes} bytes, and there are {len(data)}")
        try:
            return bytes(blosc.decompress(data))
        except RuntimeError as error:
            raise ValueError(f"blosc says: {error}") from error

    return decode


_ENCODERS: dict[str, Callable[[str], Encode]] = {
    "zstd": _zstd_encoder,
    "gzip": _gzip_encoder,
    "blosc": _blosc_encoder,
}
_DECODERS: dict[str, Callable[[str], Decode]] = {
    "zstd": _zstd_decoder,
    "gzip": _gzip_decoder,
    "blosc": _blosc_decoder,
}


def _unit(itemsize: int) -> int:
    """Give the size of the integers that elements of this size are shuffled as."""
    return math.gcd(itemsize, 8)


def _flat(array: NDArray[Any]) -> Any:
    return array.reshape(-1).view("u1").data


def _bound(size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"it decodes to more than {most} bytes")


def _pieces(read: Callable[[int], bytes], most: int) -> bytes:
    found = bytearray()
    while piece := read(min(_PIECE_BYTES, most - len(found) + 1)):
        found += piece
        _bound(len(found), most)
    return bytes(found)
