"""CRC-32C as TensorFlow's files store it: masked. No file format may enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/hash/crc32c.h. The sum itself comes from a library that uses the
processor's instruction for it and lets other threads run meanwhile.
"""

from __future__ import annotations

from typing import Any

import crc32c as _crc32c
import numpy as np
from numpy.typing import NDArray

_DELTA = 0xA282EAD8


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
