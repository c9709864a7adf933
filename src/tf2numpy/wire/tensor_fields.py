"""What a TensorProto declares, and where its values are; the values themselves may not enter.

Source: tensorflow/core/framework/{tensor.proto, tensor_shape.proto, types.proto}.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._dtypes import from_enum
from .._errors import FormatError
from .protobuf import BYTES, VARINT, Buffer, Message, field_at, signed, varint

RESOURCE, VARIANT = 20, 21
STRINGS = 8  # the field of strings
MOST_AXES = 254  # that TensorFlow allows; NumPy allows fewer

_MOST_BYTES = (1 << 63) - 1
_MOST_AXES = 64 if int(np.__version__.partition(".")[0]) >= 2 else 32
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_VALUES = frozenset(range(5, 19))
_STRING_KEY = STRINGS << 3 | BYTES
_NO_DTYPE = 100  # would be the reference to a tensor of no dtype
_MOST_PIECES = 1 << 16  # in which a field may come: each takes a hundred times the memory that it needs in a file


class Head(NamedTuple):
    """What a tensor is: TensorFlow's number of its dtype, and its shape."""

    enum: int
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The logical dtype.

        Raises: FormatError for handles, which are neither numbers nor strings.
        """
        found = from_enum(self.enum)
        if found is None:
            what = "variants" if self.plain_enum == VARIANT else "resource handles"
            raise FormatError(f"it holds {what}, not numbers or strings")
        return found

    @property
    def plain_enum(self) -> int:
        """The number of the dtype itself where the tensor is a reference, as TensorFlow 1 had them."""
        return self.enum - 100 if self.enum > 100 else self.enum

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of the array; an element that is a string or a handle counts as its pointer."""
        return self.elements * (8 if self.plain_enum in (RESOURCE, VARIANT) else self.dtype.itemsize)


class Fields:
    """The fields of a TensorProto.

    content: its tensor_content; lone: whether that ends the message, and there are no other values. strings: its
    string_val. runs: of each other field of values, the runs in which they come: the wire type, and packed values as
    bytes, or single ones as an array of uint64.
    """

    def __init__(self, data: Buffer) -> None:
        """Raises: FormatError, naming the offset, for what is no TensorProto."""
        self.content = memoryview(b"")
        self.lone = False
        self.strings: list[bytes] = []
        self.runs: dict[int, list[tuple[int, Any]]] = {}
        self._enum = 0
        self._shape: list[memoryview] = []
        view = memoryview(data)
        raw: bytes | None = None
        at = 0
        while at < len(view):
            if view[at] == _STRING_KEY:
                raw = bytes(view) if raw is None else raw
                at = _read_strings(raw, at, self.strings)
                continue
            begin = at
            number, kind, value, at = field_at(view, at)
            if number == _DTYPE and kind == VARINT:
                self._enum = signed(value)
            elif number == _SHAPE and kind == BYTES:
                self._shape.append(value)
                _bound(len(self._shape), _SHAPE)
            elif number == _CONTENT and kind == BYTES:
                self.content, self.lone = value, at == len(view) and not self.runs and not self.strings
            elif number in _VALUES and number != STRINGS:
                self._add(number, kind, value)
            elif number in (_DTYPE, _SHAPE, _CONTENT, STRINGS):
                raise FormatError(f"the field {number} at offset {begin} has the wire type {kind}, which it never has")

    def head(self) -> Head:
        """Give dtype and shape.

        Raises: FormatError where one of them is not known.
        """
        shape = sizes(Message(self._shape[0] if len(self._shape) == 1 else b"".join(self._shape)))
        if shape is None or -1 in shape:
            raise FormatError("its shape is not fully known, so it holds no values")
        return checked(self._enum, shape)

    def _add(self, number: int, kind: int, value: Any) -> None:
        runs = self.runs.setdefault(number, [])
        _bound(len(runs), number)
        if kind == BYTES:
            runs.append((kind, value))
        elif runs and runs[-1][0] == kind:
            runs[-1][1].append(value)
        else:
            runs.append((kind, array("Q", [value])))


def _bound(pieces: int, number: int) -> None:
    if pieces > _MOST_PIECES:
        raise FormatError(
            f"the field {number} comes in more than {_MOST_PIECES} pieces, which none that is written does"
        )


def is_orderly(data: Buffer) -> bool:
    """Tell whether a message has only fields of a TensorProto, by rising numbers, and none but values more than once.

    So they are written, though any order may be read. Raises: FormatError for what is no message.
    """
    view, at, last = memoryview(data), 0, 0
    while at < len(view):
        number, _, _, at = field_at(view, at)
        if number < last or number > max(_VALUES) or (number == last and number not in _VALUES):
            return False
        last = number
    return True


def sizes(shape: Message) -> tuple[int, ...] | None:
    """Give the sizes in a TensorShapeProto, -1 where one is not known; None where even the rank is not known.

    Raises: FormatError for other negative sizes.
    """
    if shape.integer(3):
        return None
    if (axes := len(shape.contents(2))) > MOST_AXES:
        raise FormatError(f"its shape has {axes} axes, and TensorFlow allows {MOST_AXES}")
    found = tuple(dim.integer(1) for dim in shape.messages(2))
    if min(found, default=0) < -1:
        raise FormatError(f"its shape {short(found)} has a negative size")
    return found


def checked(enum: int, shape: Sequence[int]) -> Head:
    """Give dtype and shape of a tensor, if there can be one.

    Raises: FormatError for a dtype that is not known, and for a shape that no array can have.
    """
    dtype = None if enum == _NO_DTYPE else from_enum(enum)
    if dtype is None and enum not in (RESOURCE, VARIANT):
        raise FormatError(f"its dtype has the number {enum}, which is not known")
    nbytes = math.prod(max(n, 1) for n in shape) * (dtype.itemsize if dtype else 1)
    if min(shape, default=0) < 0 or nbytes > _MOST_BYTES or len(shape) > _MOST_AXES:
        raise FormatError(f"its shape {short(shape)} is none that an array can have")
    return Head(enum, tuple(shape))


def short(found: Sequence[int]) -> str:
    """Write a shape, whatever its length."""
    text = str(tuple(found))
    return text if len(text) <= 100 else f"{text[:100]}..."


def _read_strings(data: bytes, at: int, found: list[bytes]) -> int:
    """Read the strings that follow one another from an offset on; give the offset after them."""
    end = len(data)
    while at < end and data[at] == _STRING_KEY:
        begin = at
        if at + 1 < end and data[at + 1] < 0x80:
            size, at = data[at + 1], at + 2
        else:
            size, at = varint(data, at + 1)
        if size > end - at:
            raise FormatError(f"the field {STRINGS} at offset {begin} has {size} bytes, and {end - at} follow")
        found.append(data[at : at + size])
        at += size
    return at
