"""Parts of a partitioned tensor: how they are named, where they lie, whether they are the whole. No file may enter.

A part is an extent on each axis. Sources: tensorflow/core/framework/tensor_slice.proto (the message),
tensorflow/core/util/saved_tensor_slice_util.cc and tensorflow/core/lib/strings/ordered_code.cc (the key).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from .._errors import FormatError
from .protobuf import Message
from .tensor_fields import MOST_AXES

# (start, length) on each axis; the length -1 means the whole axis.
Extents: TypeAlias = tuple[tuple[int, int], ...]
# (start, stop) on each axis.
Bounds: TypeAlias = tuple[tuple[int, int], ...]

_WHOLE = -1
_MOST_CELLS = 1 << 24
_KEY_BEGIN = b"\0"  # the number 0, which no tensor's name begins with
_ESCAPES = {b"\0": b"\0\xff", b"\xff": b"\xff\0"}
_NAME_END = b"\0\1"


def extents(message: Message) -> Extents:
    """Decode a TensorSliceProto.

    Raises: FormatError for one of more axes than a tensor can have.
    """
    if (axes := len(message.contents(1))) > MOST_AXES:
        raise FormatError(f"a part has {axes} axes, and TensorFlow allows {MOST_AXES}")
    return tuple((one.integer(1), one.integer(2) if 2 in one else _WHOLE) for one in message.messages(1))


def key(name: bytes, part: Extents) -> bytes:
    """Give the key under which a part of a tensor is kept."""
    escaped = re.sub(rb"[\x00\xff]", lambda found: _ESCAPES[found[0]], name)
    places = [_signed(n) for start, length in part for n in ((0, _WHOLE) if length == _WHOLE else (start, length))]
    return b"".join((_KEY_BEGIN, escaped, _NAME_END, _unsigned(len(part)), *places))


def bounds(part: Extents, shape: Sequence[int]) -> Bounds:
    """Give where a part of a tensor of this shape begins and ends on each axis.

    Raises: FormatError for one that is not within the tensor.
    """
    if len(part) != len(shape):
        raise FormatError(f"a part has {len(part)} axes, and the tensor {len(shape)}")
    found = tuple(
        (0, n) if length == _WHOLE else (start, start + length) for (start, length), n in zip(part, shape, strict=True)
    )
    if not all(0 <= start <= stop <= n for (start, stop), n in zip(found, shape, strict=True)):
        raise FormatError(f"the part {shown(found)} is not within a tensor of shape {tuple(shape)}")
    return found


def check_cover(parts: Sequence[Bounds], shape: Sequence[int]) -> None:
    """Refuse parts, each within the tensor, that overlap or leave something out.

    The tensor is looked at as a grid of the cells that the parts' bounds cut it into.
    Raises: FormatError, naming a part that overlaps others, or saying that elements are missing.
    """
    filled = [part for part in parts if all(start < stop for start, stop in part)]
    cuts = [sorted({0, n, *(place for part in filled for place in part[axis])}) for axis, n in enumerate(shape)]
    cells = [max(len(one) - 1, 0) for one in cuts]
    if math.prod(cells) > _MOST_CELLS:
        raise FormatError(f"its {len(parts)} parts cut it into {math.prod(cells)} cells; {_MOST_CELLS} are allowed")
    numbers = [{place: number for number, place in enumerate(one)} for one in cuts]
    seen = np.zeros(cells, np.bool_)
    for part in filled:
        region = tuple(slice(number[start], number[stop]) for number, (start, stop) in zip(numbers, part, strict=True))
        if seen[region].any():
            raise FormatError(f"the part {shown(part)} overlaps another one")
        seen[region] = True
    if not seen.all():
        missing = tuple(int(place) for place in np.argwhere(~seen)[0])
        first = tuple(one[number] for one, number in zip(cuts, missing, strict=True))
        raise FormatError(f"its {len(parts)} parts leave elements out, the first at {first}")


def shown(part: Bounds) -> str:
    """Write the bounds of a part as NumPy would."""
    return f"[{', '.join(f'{start}:{stop}' for start, stop in part)}]"


def _unsigned(value: int) -> bytes:
    """Encode a number so that texts sort as numbers do: the count of its bytes, and these, the highest first."""
    count = (value.bit_length() + 7) // 8
    return bytes((count,)) + value.to_bytes(count, "big")


def _signed(value: int) -> bytes:
    """Encode a number, by as many leading ones as there are bytes, and its two's complement after them."""
    count = 1
    while not -1 << (7 * count - 1) <= value < 1 << (7 * count - 1):
        count += 1
    header = (0xFFFF << (16 - count) & 0xFFFF) << 8 * count >> 16
    return ((value & (1 << 8 * count) - 1) ^ header).to_bytes(count, "big")
