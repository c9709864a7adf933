"""The messages that checkpoints of version 1 are tables of. Where the tables are may not enter.

Source: tensorflow/core/util/{saved_tensor_slice.proto, tensor_slice_reader.cc}.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .._errors import FormatError
from .protobuf import Buffer, Message
from .slices import Extents, extents
from .tensor_fields import sizes
from .tensor_proto import from_values

_META, _DATA = 1, 2
# A tensor or part takes a kilobyte and a half of memory once it is opened, whatever little it takes in a file.
_FREE_PARTS, _BYTES_OF_A_PART = 40_000, 150


class SavedTensor(NamedTuple):
    """One tensor as the first entry of a table lists it. enum: TensorFlow's number of its dtype."""

    name: bytes
    enum: int
    shape: tuple[int, ...]
    slices: tuple[Extents, ...]


def saved_tensors(value: Buffer) -> list[SavedTensor]:
    """Decode the first entry of a table, under the empty key.

    Raises: FormatError for a shape that is not known.
    """
    found, count = [], 0
    for one in Message(value).message(_META).messages(1):
        shape = sizes(one.message(2))
        if shape is None or min(shape, default=0) < 0:
            raise FormatError(f"the shape of the tensor {one.text(1)!r} is not known")
        parts = tuple(extents(part) for part in one.messages(4))
        count += 1 + len(parts)
        if count > _FREE_PARTS + len(value) // _BYTES_OF_A_PART:
            raise FormatError(f"it lists more than {count - 1} tensors and parts, too many for {len(value)} bytes")
        found.append(SavedTensor(bytes(one.content(1)), one.integer(3), shape, parts))
    return found


def saved_part(value: Buffer, enum: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Decode the values of one part of a tensor: an array that may be a read-only view.

    Raises: FormatError for values that do not make up the part.
    """
    content = Message(value).message(_DATA).content(3)
    if len(content) < math.prod(shape):
        raise FormatError(f"it has {len(content)} bytes, which cannot be the values of a shape {shape}")
    return from_values(content, enum, shape)
