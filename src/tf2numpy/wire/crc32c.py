"""CRC-32C as TensorFlow's files store it: masked. No file format may enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/hash/crc32c.h. The sum itself is compiled: it uses the processor's
instruction for it and lets other threads run meanwhile.
"""

from __future__ import annotations

import functools
from typing import Any

from . import _framing

_DELTA = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78  # its lowest power last
_ONE, _X = 1 << 31, 1 << 30


def extend(crc: int, data: Any) -> int:
    """Go on with a sum (0 at the beginning) over more bytes: anything with a contiguous buffer of bytes."""
    return _framing.extend(crc, data)


def mask(crc: int) -> int:
    """Give what is stored for a sum."""
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFFFFFF


def unmask(stored: int) -> int:
    """Give the sum that is stored so."""
    rotated = (stored - _DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def masked(data: Any) -> int:
    """Give what is stored for the sum of these bytes."""
    return mask(extend(0, data))


def combine(first: int, second: int, second_bytes: int) -> int:
    """Give the sum over two stretches, one right after the other, of the sum over each.

    The first is moved on over as many zeros as the second has bits: it is multiplied by x to that power.
    """
    moved, bits, power = first, 8 * second_bytes, 0
    while bits:
        if bits & 1:
            moved = _times(moved, _x_to_two_to(power))
        bits, power = bits >> 1, power + 1
    return moved ^ second


@functools.cache
def _x_to_two_to(power: int) -> int:
    return _X if power == 0 else _times(_x_to_two_to(power - 1), _x_to_two_to(power - 1))


def _times(a: int, b: int) -> int:
    """Multiply two polynomials over the field of two elements, modulo the checksum's."""
    product, place = 0, _ONE
    while a:
        if a & place:
            product, a = product ^ b, a ^ place
        b, place = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0), place >> 1
    return product
