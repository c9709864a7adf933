"""Encoded images to pixels, by the library imagecodecs. Where images lie, and what becomes of many, may not enter.

Channels and depths become what tf.io.decode_image makes of them, with two exceptions: 16 bits never become 8, and
an alpha channel that is added is opaque, which that of a PNG of less than 8 bits is not there.
JPEGs are decoded with libjpeg's accurate transform (dct_method="INTEGER_ACCURATE" there).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._registry import require
from .image_headers import BMP, GIF, JPEG, PNG, WEBP, Head, head_of

# What libpng makes grey of, in 32768ths, for the weights that TensorFlow gives it.
_GREY = np.array([9797, 19234, 3737], np.uint32)
_DECODERS = {PNG: "png_decode", JPEG: "jpeg8_decode", GIF: "gif_decode", WEBP: "webp_decode"}

# An image may take this much memory, or this many times its bytes: no more than deflate can pack.
_LEAST_ALLOWED_BYTES, _ALLOWED_RATIO = 64 << 20, 1032


def sized(data: memoryview, bits: int) -> Head:
    """Read what an image says of itself; bits: of each wanted sample.

    Raises: FormatError for what is no image, says that it has far more pixels than so few bytes can hold, or has
    samples of more bits.
    """
    head = head_of(data)
    needed, allowed = head.height * head.width * head.bits // 8, max(_LEAST_ALLOWED_BYTES, _ALLOWED_RATIO * len(data))
    if needed > allowed:
        raise FormatError(
            f"it is a {head.format} that says to have {head.height} x {head.width} pixels, which take {needed} "
            f"bytes at least, and of its {len(data)} bytes no more than {allowed} can be made"
        )
    if head.bits > bits:
        raise FormatError(f"it has {head.bits} bits a sample, of which uint8 would lose half; declare it as uint16")
    return head


def decode(data: memoryview, head: Head, out: NDArray[Any]) -> None:
    """Decode an image into an array [height, width, channels] of uint8 or uint16; other threads run meanwhile.

    head: what `sized` gave of it. out: of its height and width, and of as many channels as are wanted.
    Raises: FormatError for one that is damaged, or is not as it says; MissingExtra.
    """
    found = _pixels(data, head, out.shape[2])
    if found.shape[:2] != out.shape[:2] or found.dtype.itemsize * 8 != head.bits:
        raise FormatError(
            f"it is a {head.format} that says to have {head.height} x {head.width} pixels of {head.bits} bits, and has "
            f"{found.shape[0]} x {found.shape[1]} of {found.dtype.itemsize * 8}"
        )
    wanted = _channelled(found, out.shape[2])
    if out.dtype == wanted.dtype:
        out[...] = wanted
    else:
        np.multiply(wanted, 257 if head.format == PNG else 256, out=out, dtype=out.dtype)


def _pixels(data: memoryview, head: Head, channels: int) -> NDArray[Any]:
    """Decode an image as it is stored; of the colours of a JPEG, what is grey alone, where no more is wanted."""
    if head.format == BMP:
        return _rows_of_bmp(data, head)
    library = require("imagecodecs", "decoding images")
    options: dict[str, Any] = {"index": 0} if head.format == GIF else {}
    if head.format == JPEG and channels < 3 and not head.ink:
        options = {"outcolorspace": "GRAYSCALE"}
    try:
        found: NDArray[Any] = getattr(library, _DECODERS[head.format])(data, **options)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise FormatError(f"it is a {head.format} that cannot be decoded: {error}") from error
    found = found if found.ndim == 3 else found[..., np.newaxis]
    if not head.ink:
        return found
    ink = found.astype(np.uint16)  # CMYK, whose inverse is stored
    return (ink[..., :3] * ink[..., 3:] // 255).astype(np.uint8)


def _rows_of_bmp(data: memoryview, head: Head) -> NDArray[Any]:
    """View the pixels of a BMP, whose rows are multiples of four bytes, mostly from the last one on, blue first."""
    (start,), (height,) = struct.unpack_from("<I", data, 10), struct.unpack_from("<i", data, 22)
    row_bytes = -(-head.width * head.channels // 4) * 4
    rows = np.frombuffer(data, np.uint8, head.height * row_bytes, start).reshape(head.height, row_bytes)
    found = rows[:: -1 if height > 0 else 1, : head.width * head.channels]
    found = found.reshape(head.height, head.width, head.channels)
    return found[..., [2, 1, 0, 3][: head.channels]] if head.channels > 1 else found


def _channelled(found: NDArray[Any], channels: int) -> NDArray[Any]:
    """Give an image with so many channels, however many it has."""
    has = found.shape[2]
    if has == channels:
        return found
    colours = found[..., : 1 if has < 3 else 3]
    if channels < 3 <= has:
        weighed = colours.astype(np.uint32) @ _GREY + (0 if found.dtype == np.uint8 else 1 << 14)
        colours = (weighed >> 15).astype(found.dtype)[..., np.newaxis]
    elif has < 3 <= channels:
        colours = np.repeat(colours, 3, axis=2)
    if channels in (1, 3):
        return colours
    alpha = np.full_like(found[..., :1], np.iinfo(found.dtype).max) if has in (1, 3) else found[..., -1:]
    return np.concatenate([colours, alpha], axis=2)
