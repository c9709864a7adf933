"""Many records that are TensorProtos, read together: no call for each where they are alike. No file may enter.

Tensors of one dtype and shape are the same bytes before their content; so one is read, and the others compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import logical_name
from .._errors import FormatError
from .protobuf import BYTES, varint, varints
from .records import HEADER_BYTES, Block, gathered
from .tensor_fields import RESOURCE, VARIANT, Fields, Head, short
from .tensor_proto import check_bits, from_fields, logical, stored, value_field

_CONTENT_KEY = 4 << 3 | BYTES
_VALUE_KEYS = frozenset(number << 3 | BYTES for number in range(4, 16))
# Dtype, shape of no axes, and the key of a string, or of content that is its length and itself.
_LONE_STRING, _LONE_CONTENT = b"\x08\x07\x12\x00\x42", b"\x08\x07\x12\x00\x22"
_STRING = 7
_MOST_KNOWN = 1 << 12
# What a record may declare beyond what it holds: nobody repeats a value in records, and what fills memory is refused.
_MOST_RATIO, _MOST_BYTES = 16, 1 << 16


def shapes(block: Block) -> tuple[int, NDArray[np.int64]]:
    """Give TensorFlow's number of the dtype of some records, at least one, and the shape of each: [records, axes].

    Raises: FormatError, naming the record, for what is no TensorProto, or declares far more than it holds, and for one
    that differs in dtype or number of axes from those before it.
    """
    alike, first = _alike(block)
    if alike.all():
        sizes = np.array(first.shape, np.int64)
        return first.enum, np.broadcast_to(sizes, (len(block), len(sizes)))
    heads = [found for found, *_ in _layouts(block)]
    for i, found in enumerate(heads):
        if found is not first and (found.enum != first.enum or len(found.shape) != len(first.shape)):
            raise other(block, i, found, first)
    return first.enum, np.array([found.shape for found in heads], np.int64).reshape(len(block), len(first.shape))


def flat(block: Block, enum: int) -> NDArray[Any]:
    """Read the numbers of all records, of one dtype and whatever shapes, into one new array [elements].

    Raises: FormatError, naming the record, for one that is of another dtype.
    """
    kind, stops, pieces, packed = Head(enum, ()), block.stops.tolist(), [], 0
    layouts = _layouts(block)
    for i, (found, start, in_field) in enumerate(layouts):
        if found.enum != enum:
            raise other(block, i, found, Head(enum, found.shape))
        packed += in_field
        pieces.append(block.data[start : stops[i]] if start >= 0 else array(block, i).tobytes())
    if packed == len(block):
        return _from_varints(pieces, [found.elements for found, _, _ in layouts], kind, block)
    if packed:
        return np.concatenate([array(block, i).reshape(-1) for i in range(len(block))])
    bits = np.frombuffer(b"".join(pieces), np.uint8)
    check_bits(bits, kind)
    return logical(bits.view(stored(kind.dtype)), kind)


def _from_varints(pieces: list[Any], counts: list[int], kind: Head, block: Block) -> NDArray[Any]:
    """Read numbers that are varints in the field of their dtype; counts: those that each record must have."""
    joined = b"".join(pieces)
    ends = np.frombuffer(joined, np.uint8) < 0x80
    starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)[:-1]
    if (np.add.reduceat(ends, starts, dtype=np.int64) != counts).any():  # then the last value is to fill the rest
        return np.concatenate([array(block, i).reshape(-1) for i in range(len(block))])
    return logical(varints(joined, value_field(kind.enum)[1]).view(stored(kind.dtype)), kind)


def fill(block: Block, wanted: Head, target: NDArray[Any]) -> None:
    """Read records of one dtype and shape into the rows of an array in C order: [records, *shape], not of strings.

    Raises: FormatError, naming the record, for one that is of another dtype or shape.
    """
    if not len(block):
        return
    alike, found = _alike(block)
    if found != wanted:
        alike[:] = False
    nbytes = wanted.nbytes
    bits = target.reshape(len(block), -1).view(stored(wanted.dtype)).view(np.uint8) if nbytes else None
    if bits is not None and alike.any():
        same = block if alike.all() else block[alike]
        rows = gathered(same.data, same.stops - nbytes, nbytes)
        check_bits(rows, wanted)
        rows = logical(rows.view(stored(wanted.dtype)), wanted).view(np.uint8)
        if alike.all():
            bits[...] = rows
        else:
            bits[alike] = rows
    for i in np.flatnonzero(~alike).tolist():
        target[i] = array(block, i, wanted)


def array(block: Block, i: int, wanted: Head | None = None) -> NDArray[Any]:
    """Read one record; a view where there can be one. wanted: what it must be.

    Raises: FormatError, naming the record.
    """
    fields, found = _fields(block, i)
    if wanted is not None and found != wanted:
        raise other(block, i, found, wanted)
    try:
        return from_fields(fields, found)
    except FormatError as error:
        raise of_record(block, i, error) from error


def strings(block: Block) -> list[Any]:
    """Read records of strings: each an array of `bytes`, or all of them `bytes`, if all are of no axes.

    Raises: FormatError, naming the record.
    """
    beginnings = np.empty((0, 0), np.uint8)
    if bool((block.stops - block.starts > len(_LONE_STRING)).all()):
        beginnings = gathered(block.data, block.starts, len(_LONE_STRING))
    packed = _begins_all(beginnings, _LONE_CONTENT)
    if not packed and not _begins_all(beginnings, _LONE_STRING):
        found = [array(block, i) for i in range(len(block))]
        for i, one in enumerate(found):
            if not one.dtype.hasobject:
                raise other(block, i, _head(block, i), Head(_STRING, one.shape))
        return found
    data, result = block.data, []
    for i, (start, stop) in enumerate(zip(block.starts.tolist(), block.stops.tolist(), strict=True)):
        size, at = varint(data, start + len(_LONE_STRING), stop)
        whole = at + size == stop
        if packed and whole:
            size, at = varint(data, at, stop)
        result.append(bytes(data[at:stop]) if whole and at + size == stop else bytes(array(block, i)[()]))
    return result


def _begins_all(beginnings: NDArray[np.uint8], wanted: bytes) -> bool:
    return bool(len(beginnings)) and bool((beginnings == np.frombuffer(wanted, np.uint8)).all())


def _layouts(block: Block) -> list[tuple[Head, int, bool]]:
    """Give what each record declares, where its values begin, and whether they are varints, not content or the like.

    The values then go on to the end of the record; -1 where that is not known.
    """
    data = block.data
    known: dict[bytes, tuple[Head, int, bool]] = {_LONE_STRING: (Head(_STRING, ()), -1, False)}
    result = []
    for i, (start, stop) in enumerate(zip(block.starts.tolist(), block.stops.tolist(), strict=True)):
        key = _beginning(data, start, stop)
        if not key:
            result.append((_head(block, i), -1, False))
            continue
        if key not in known:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[key] = _kind_of(key, _head(block, i))
        found, nbytes, varint_ = known[key]
        size, at = varint(data, start + len(key), stop)
        if at + size != stop:
            result.append((_head(block, i), -1, False))
        elif nbytes < 0:
            result.append((found, -1, False))
        elif varint_ and size:
            result.append((found, at, True))
        else:
            result.append((found, at, False) if size == nbytes else (_head(block, i), -1, False))
    return result


def _kind_of(key: bytes, found: Head) -> tuple[Head, int, bool]:
    """Say how many bytes the values take, or -1 if they are not read here, and whether they are varints."""
    if found.enum in (_STRING, RESOURCE, VARIANT):
        return found, -1, False
    if key[-1] == _CONTENT_KEY:
        return found, found.nbytes, False
    number, _, varint_ = value_field(found.enum)
    return found, found.nbytes if key[-1] == number << 3 | BYTES else -1, varint_


def _beginning(data: memoryview, start: int, stop: int) -> bytes:
    """Give what comes before the only value, its key included, if the record begins as nearly all do.

    That is a dtype of 1 byte, a shape of less than 128 bytes, then a field of bytes.
    """
    end = start + 5 + data[start + 3] if stop - start > 4 else stop + 1
    if end > stop:
        return b""
    key = bytes(data[start:end])
    usual = key[0] == 0x08 and key[1] < 0x80 and key[2] == 0x12 and key[3] < 0x80
    return key if usual and key[-1] in _VALUE_KEYS else b""


def _alike(block: Block) -> tuple[NDArray[np.bool_], Head]:
    """Tell which records are like the first but for their content, and what that declares."""
    first = _record(block, 0)
    fields, found = _fields(block, 0)
    if not fields.lone or len(fields.content) != found.nbytes:
        return np.zeros(len(block), np.bool_), found
    start = len(first) - len(fields.content)
    alike = block.stops - block.starts == len(first)
    prefixes = gathered(block.data, block.starts if alike.all() else block.starts[alike], start)
    alike[alike] = (prefixes == np.frombuffer(first[:start], np.uint8)).all(1)
    return alike, found


def _head(block: Block, i: int) -> Head:
    return _fields(block, i)[1]


def _fields(block: Block, i: int) -> tuple[Fields, Head]:
    data = _record(block, i)
    try:
        fields = Fields(data)
        found = fields.head()
        if found.nbytes > _MOST_RATIO * len(data) + _MOST_BYTES:
            raise FormatError(f"its {len(data)} bytes declare an array of {found.nbytes}, far more than they hold")
        return fields, found
    except FormatError as error:
        raise of_record(block, i, error) from error


def _record(block: Block, i: int) -> memoryview:
    return block.data[block.starts[i] : block.stops[i]]


def of_record(block: Block, i: int, error: FormatError) -> FormatError:
    """Say in an error which record it is about."""
    at = block.offset + block.starts[i] - HEADER_BYTES
    return FormatError(f"the record {block.numbers[i]} at offset {at}: {error}")


def other(block: Block, i: int, found: Head, wanted: Head) -> FormatError:
    """Say that a record does not go with what is recorded, or with those before it."""
    error = FormatError(f"it is of {_shown(found)}, and {_shown(wanted)} is recorded or came before")
    return of_record(block, i, error)


def _shown(found: Head) -> str:
    name = logical_name(found.dtype) if found.plain_enum not in (20, 21) else "handles"
    return f"{name} {short(found.shape)}"
