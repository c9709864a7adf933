"""TensorProto: one tensor as graphs, records, summaries and old checkpoints hold it. Where it lies may not enter.

Source: tensorflow/core/framework/{tensor.proto, tensor.cc}, tensorflow/core/platform/tensor_coding.cc. A message of a
few bytes may declare any shape, since its last value stands for all that follow: nothing is allocated for a shape
before there is content for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import logical_name, storage
from .._errors import FormatError
from .protobuf import BYTES, FIXED32, FIXED64, VARINT, Buffer, varint, varints
from .tensor_fields import RESOURCE, VARIANT, Fields, Head, checked, short

# Where the last of several values is to follow, they are written out up to this size.
MOST_FILLED_BYTES = 64 << 20

_MOST_DEFAULTS = 1 << 16
_FEW = 32  # strings, of which reading them one by one takes less than calling NumPy does
_FLOAT8 = 18
_SMALL_INTEGERS = 7
# number of a dtype -> the field of its values, where it is not that of the small integers.
_FIELDS = {1: 5, 2: 6, 8: 9, 9: 10, 10: 11, 14: 13, 18: 12, 19: 13, RESOURCE: 14, VARIANT: 15, 22: 16, 23: 17}
_FIELDS |= dict.fromkeys((24, 25, 26, 27, 28, 33), _FLOAT8)
_FIXED = {5: "<f4", 6: "<f8", 9: "<f4", 12: "<f8"}  # all other fields of numbers are varints
_BITS_USED = {29: 0x0F, 30: 0x0F, 31: 0x03, 32: 0x03, 33: 0x0F}  # of dtypes of less than a byte


def head(data: Buffer) -> Head:
    """Read what a TensorProto declares, and none of its values.

    Raises: FormatError for what is no TensorProto, for an unknown dtype, and for a shape that is not fully known.
    """
    return Fields(data).head()


def decoded(data: Buffer) -> NDArray[Any]:
    """Read a TensorProto: an array of its logical dtype, strings as `bytes` objects, quantized types as integers.

    The result is read-only where it is a view: of `data`, perhaps at an odd address, or of one value that stands for
    all, which takes no memory however large the shape is.

    Raises: FormatError for what is no TensorProto, for values that do not fit its shape, for handles (resources,
    variants), and where more than MOST_FILLED_BYTES are to be filled with the last of several values.
    """
    fields = Fields(data)
    return from_fields(fields, fields.head())


def from_fields(fields: Fields, found: Head) -> NDArray[Any]:
    """Read the values of a TensorProto whose fields, and what they declare, are known, as `decoded` does."""
    return from_content(fields.content, found) if fields.content else _from_values(fields, found)


def from_values(data: Buffer, enum: int, shape: Sequence[int]) -> NDArray[Any]:
    """Read a TensorProto that has nothing but values, as those in checkpoints of format V1.

    enum, shape: what the tensor is known to be, by TensorFlow's number of the dtype. Result and errors: as `decoded`.
    """
    return _from_values(Fields(data), checked(enum, shape))


def handles(data: Buffer) -> tuple[tuple[int, ...], list[memoryview]]:
    """Give the shape of a tensor of variants or resources and, in C order, its elements as they were serialized.

    They are VariantTensorDataProto messages (see `variants`) or ResourceHandleProto messages; absent ones are empty.
    Raises: FormatError for what is no TensorProto of handles.
    """
    fields = Fields(data)
    found = fields.head()
    if found.enum not in (VARIANT, RESOURCE):
        raise FormatError(f"it holds {logical_name(found.dtype)}, not handles")
    if fields.content:
        return found.shape, _pieces(fields.content, found)
    number = _FIELDS[found.enum]
    given = [_expected(run, BYTES, number) for run in fields.runs.get(number, ())]
    missing = found.elements - len(given)
    if missing > _MOST_DEFAULTS:
        raise FormatError(f"it has {len(given)} handles for the {found.elements} elements of its shape")
    return found.shape, given[: found.elements] + [memoryview(b"")] * missing


def from_content(content: memoryview, found: Head) -> NDArray[Any]:
    """Read the tensor_content of a tensor, as `decoded` does."""
    dtype = found.dtype
    if dtype.hasobject:
        strings = np.empty(found.elements, object)
        strings[:] = [bytes(piece) for piece in _pieces(content, found)]
        return strings.reshape(found.shape)
    needed = found.elements * dtype.itemsize
    if len(content) != needed:
        raise FormatError(
            f"its tensor_content has {len(content)} bytes, and the shape {short(found.shape)} of {logical_name(dtype)} "
            f"takes {needed}"
        )
    check_bits(np.frombuffer(content, np.uint8), found)
    return logical(np.frombuffer(content, stored(dtype)), found).reshape(found.shape)


def check_bits(bits: NDArray[np.uint8], found: Head) -> None:
    """Refuse bytes that no bool has.

    Raises: FormatError.
    """
    if found.dtype == np.bool_ and bits.size and int(bits.max()) > 1:
        raise FormatError("its tensor_content has bytes other than 0 and 1, and its dtype is bool")


def _pieces(content: memoryview, found: Head) -> list[memoryview]:
    """Cut content that is the lengths of all elements, as varints, and then the elements."""
    if found.elements <= _FEW:
        return _few_pieces(content, found)
    raw = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(raw[: 5 * found.elements] < 0x80)[: found.elements]
    if ends.size < found.elements:
        raise FormatError(f"its tensor_content of {raw.size} bytes has no lengths of {found.elements} elements")
    start = int(ends[-1]) + 1
    return _cut(content, varints(content[:start]).tolist(), start)


def _few_pieces(content: memoryview, found: Head) -> list[memoryview]:
    lengths, at = [], 0
    for _ in range(found.elements):
        length, at = varint(content, at)
        lengths.append(length)
    return _cut(content, lengths, at)


def _cut(content: memoryview, lengths: list[int], start: int) -> list[memoryview]:
    left = len(content) - start
    if sum(lengths) != left:
        raise FormatError(f"the lengths in its tensor_content sum up to {sum(lengths)}, and {left} bytes follow")
    return [content[begin:end] for begin, end in pairwise(accumulate(lengths, initial=start))]


def _from_values(fields: Fields, found: Head) -> NDArray[Any]:
    dtype = found.dtype
    if dtype.hasobject:
        values = np.empty(len(fields.strings), object)
        values[:] = fields.strings
    else:
        values = logical(_numbers(fields, found), found)
    return _filled(values if values.size else np.full(1, b"" if dtype.hasobject else 0, dtype), found)


def _filled(values: NDArray[Any], found: Head) -> NDArray[Any]:
    """Give the shape to values, at least one, the last of which follows as often as needed."""
    if values.size >= found.elements:
        return values[: found.elements].reshape(found.shape)
    if values.size == 1:
        return np.broadcast_to(values.reshape(()), found.shape)
    nbytes = found.elements * values.itemsize
    if nbytes > max(MOST_FILLED_BYTES, 2 * values.nbytes):
        raise FormatError(
            f"the last of its {values.size} values is to fill a shape of {short(found.shape)}: {nbytes} bytes, "
            f"and {MOST_FILLED_BYTES} are the most that are filled so"
        )
    result = np.empty(found.elements, values.dtype)
    result[: values.size] = values
    result[values.size :] = values[-1:]  # the element itself would lose the NULs it ends in
    return result.reshape(found.shape)


def value_field(enum: int) -> tuple[int, np.dtype[Any], bool]:
    """Give the field that the numbers of a dtype are in, what each is there, and whether they are varints.

    enum: TensorFlow's number of the dtype; not of handles or strings.
    """
    kept = stored(Head(enum, ()).dtype)
    number = _FIELDS.get(Head(enum, ()).plain_enum, _SMALL_INTEGERS)
    if number in _FIXED:
        return number, np.dtype(_FIXED[number]), False
    bits = np.dtype(np.bool_) if kept == np.bool_ else np.dtype(f"<u{kept.itemsize}")
    return number, bits, number != _FLOAT8


def _numbers(fields: Fields, found: Head) -> NDArray[Any]:
    """Give the values in the field of the dtype, as what is stored of it."""
    kept = stored(found.dtype)
    number, each, varint = value_field(found.enum)
    runs = fields.runs.get(number, [])
    if number == _FLOAT8:  # not repeated: of several, the last
        return np.frombuffer(_expected(runs[-1], BYTES, number) if runs else b"", kept)
    parts = [(_varints if varint else _fixed)(run, number, each) for run in runs]
    values = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, each), *parts])
    if found.dtype.kind == "c" and values.size % 2:
        raise FormatError(f"the field {number} has {values.size} numbers, which are no pairs")
    return values.view(kept)


def _varints(run: tuple[int, Any], number: int, each: np.dtype[Any]) -> NDArray[Any]:
    if run[0] == BYTES:
        return varints(run[1], each)
    return np.asarray(_expected(run, VARINT, number)).astype(each)


def _fixed(run: tuple[int, Any], number: int, each: np.dtype[Any]) -> NDArray[Any]:
    if run[0] != BYTES:
        single = _expected(run, FIXED32 if each.itemsize == 4 else FIXED64, number)
        return np.asarray(single).astype(f"<u{each.itemsize}").view(each)
    if len(run[1]) % each.itemsize:
        raise FormatError(f"the packed field {number} has {len(run[1])} bytes, no multiple of {each.itemsize}")
    return np.frombuffer(run[1], each)


def _expected(run: tuple[int, Any], kind: int, number: int) -> Any:
    """Give a run of the wire type that its field has."""
    if run[0] != kind:
        raise FormatError(f"the field {number} has the wire type {run[0]}, and must have {kind}")
    return run[1]


def logical(bits: NDArray[Any], found: Head) -> NDArray[Any]:
    """Turn what is stored into the logical dtype: a view, but for elements of less than a byte."""
    used = _BITS_USED.get(found.plain_enum)
    if used is not None:
        bits = bits & np.uint8(used)
    return bits.astype(bits.dtype.newbyteorder("="), copy=False).view(found.dtype)


def stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype of tensor_content: of extended dtypes the bits, always little-endian."""
    return storage(dtype).newbyteorder("<")
