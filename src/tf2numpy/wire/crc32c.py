"""CRC-32C as TensorFlow's files store it: masked. No file format may enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/hash/crc32c.h. The sum itself comes from a library that uses the
processor's instruction for it and lets other threads run meanwhile.
"""

from __future__ import annotations

import functools
import importlib.util
from importlib.machinery import PathFinder
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DELTA = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78  # its lowest power last
_ONE, _X = 1 << 31, 1 << 30


def _library() -> Any:
    """Import the library's extension module without the package around it.

    The package imports a command line and its own metadata first, which takes longer than to open a checkpoint.
    """
    package = importlib.util.find_spec("crc32c")
    places = package.submodule_search_locations if package else None
    found = PathFinder.find_spec("crc32c._crc32c", places) if places else None
    if found is None or found.loader is None:
        return importlib.import_module("crc32c")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


_crc32c = _library()


def extend(crc: int, data: Any) -> int:
    """Go on with a sum (0 at the beginning) over more bytes: anything with a contiguous buffer of bytes."""
    result: int = _crc32c.crc32c(data, crc)
    return result


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


def masked_each(data: memoryview, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Give what is stored for the sum of each range."""
    crc = _crc32c.crc32c
    ranges = zip(starts.tolist(), stops.tolist(), strict=True)
    sums = np.fromiter((crc(data[start:stop]) for start, stop in ranges), np.uint32, len(starts))
    return (sums >> np.uint32(15) | sums << np.uint32(17)) + np.uint32(_DELTA)


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
