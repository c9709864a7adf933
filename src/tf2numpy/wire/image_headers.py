"""What the beginning of an encoded image says of it, before anything is decoded. Pixels may not enter.

Sources: the PNG specification (chunks, IHDR), ITU T.81 (markers and frame headers of JPEG), GIF89a, the
BITMAPINFOHEADER of BMP, and the RIFF container of WebP. These are the formats that tf.io.decode_image reads.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from .._errors import FormatError

PNG, JPEG, GIF, BMP, WEBP = "PNG", "JPEG", "GIF", "BMP", "WebP"

_PNG_BEGINS = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3
_PNG_CHANNELS = {0: 1, 2: 3, _PALETTE: 3, 4: 2, 6: 4}
_BMP_CHANNELS = {8: 1, 24: 3, 32: 4}
# Markers of JPEG: frames (without DHT, JPG and DAC, which lie among them), and those that have no length.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN, _END = 0xDA, 0xD9
_JPEG_ENDS = bytes([0xFF, _END])


class Head(NamedTuple):
    """What an image is.

    channels: 1 (grey), 2 (and alpha), 3 (colours) or 4 (and alpha), as tf.io.decode_image gives them by itself.
    bits: of each sample, 8 or 16; samples of fewer bits are made 8. ink: whether it has four inks, which
    become colours.
    """

    format: str
    height: int
    width: int
    channels: int
    bits: int = 8
    ink: bool = False


def head_of(data: memoryview) -> Head:
    """Read what an image says of itself, and whether it is whole as far as that can be told without decoding it.

    Decoders of JPEG and PNG make up what is missing at the end of a file, which is refused here.
    Raises: FormatError for another format, an image without pixels, one of several frames, or one that is cut short.
    """
    begin = bytes(data[:16])
    for is_one, read in _READERS:
        if is_one(begin):
            try:
                found = read(data)
            except (struct.error, IndexError):
                raise FormatError(f"it is cut short: it ends after {len(data)} bytes") from None
            if not found.height or not found.width:
                raise FormatError(f"it is a {found.format} of {found.height} x {found.width} pixels")
            return found
    raise FormatError(
        f"it begins with {begin[:8]!r}, and no image that can be decoded does: JPEG, PNG, GIF, BMP and WebP can"
    )


def _png(data: memoryview) -> Head:
    width, height, depth, colours = struct.unpack_from(">IIBB", data, 16)
    at, clear_colours = len(_PNG_BEGINS), False
    while (kind := bytes(data[at + 4 : at + 8])) != b"IEND":
        clear_colours |= kind == b"tRNS"
        at += 12 + int(struct.unpack_from(">I", data, at)[0])
    struct.unpack_from(">III", data, at)
    if colours not in _PNG_CHANNELS:
        raise FormatError(f"it is a PNG whose type of colours is {colours}; {sorted(_PNG_CHANNELS)} are known")
    channels = _PNG_CHANNELS[colours] + (colours == _PALETTE and clear_colours)
    return Head(PNG, height, width, channels, 16 if depth == 16 else 8)


def _jpeg(data: memoryview) -> Head:
    at, found = 2, None
    while True:
        while data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at += 1
        marker = data[at + 1]
        at += 2
        if marker in _ALONE:
            continue
        if marker == _END:
            raise FormatError("it is a JPEG without an image")
        length = int(struct.unpack_from(">H", data, at)[0])
        if marker in _FRAMES:
            bits, height, width, parts = struct.unpack_from(">BHHB", data, at + 2)
            if bits != 8:
                raise FormatError(f"it is a JPEG of {bits} bits a sample; of 8 bits can be decoded")
            found = Head(JPEG, height, width, 1 if parts == 1 else 3, ink=parts == 4)
        at += length
        if marker == _SCAN and found is not None:
            break
    if data[-2:] != _JPEG_ENDS and _JPEG_ENDS not in bytes(data[at:]):
        raise FormatError(f"it is a JPEG that is cut short: it has no end within its {len(data)} bytes")
    return found


def _gif(data: memoryview) -> Head:
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    at, frames = 13 + _colours(packed), 0
    while (block := data[at]) != 0x3B:
        if block == 0x21:
            at += 2
        elif block == 0x2C:
            frames += 1
            at += 11 + _colours(data[at + 9])
        else:
            raise FormatError(f"it is a GIF that is damaged: a block begins with the byte {block}")
        while size := data[at]:
            at += 1 + size
        at += 1
    if frames != 1:
        raise FormatError(f"it is a GIF of {frames} frames; of one frame can be decoded")
    return Head(GIF, height, width, 3)


def _colours(packed: int) -> int:
    """Give the bytes of a table of colours, of which there may be none."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _bmp(data: memoryview) -> Head:
    start, header, width, height, bits, packed = struct.unpack_from("<IIii2xHI", data, 10)
    if header < 40 or bits not in _BMP_CHANNELS or packed not in (0, 3):
        raise FormatError(
            f"it is a BMP of {bits} bits a pixel (header {header}, compression {packed}); of 8, 24 and 32 bits, not "
            "compressed, can be decoded"
        )
    table = bytes(data[14 + header : start])
    if bits == 8 and not table[0::4] == table[1::4] == table[2::4]:
        raise FormatError("it is a BMP with a palette of colours; with one of greys can be decoded")
    needed = start + abs(height) * -(-max(width, 0) * bits // 32) * 4
    if needed > len(data):
        raise FormatError(f"it is cut short: it takes {needed} bytes, and has {len(data)}")
    return Head(BMP, abs(height), max(width, 0), _BMP_CHANNELS[bits])


def _webp(data: memoryview) -> Head:
    size, kind = struct.unpack_from("<I4x4s", data, 4)
    if size + 8 > len(data):
        raise FormatError(f"it is cut short: it takes {size + 8} bytes, and has {len(data)}")
    if kind == b"VP8X":
        flags, width, height = data[20], data[24:27], data[27:30]
        if flags & 0x02:
            raise FormatError("it is an animated WebP; of one frame can be decoded")
        rows, columns = 1 + int.from_bytes(height, "little"), 1 + int.from_bytes(width, "little")
        return Head(WEBP, rows, columns, 4 if flags & 0x10 else 3)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Head(WEBP, 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF), 4 if bits >> 28 & 1 else 3)
    width, height = struct.unpack_from("<HH", data, 26)
    return Head(WEBP, height & 0x3FFF, width & 0x3FFF, 3)


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[memoryview], Head]], ...] = (
    (lambda begin: begin.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda begin: begin.startswith(_PNG_BEGINS), _png),
    (lambda begin: begin.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda begin: begin.startswith(b"BM"), _bmp),
    (lambda begin: begin.startswith(b"RIFF") and begin[8:12] == b"WEBP", _webp),
)
