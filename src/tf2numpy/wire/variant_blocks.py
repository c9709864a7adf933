"""Many records that are ragged or sparse tensors, read together where they are alike. No file may enter.

Alike are records of one variant each (three of a sparse tensor), written as TensorFlow does, with as many tensors in
each. What is not alike, or does not add up, is left to `variants`, which reads one record at a time and says what is
wrong with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._dtypes import from_enum
from .._errors import FormatError
from . import tensor_blocks
from .protobuf import varint
from .records import Block
from .variants import RAGGED, TENSOR

# How a tensor of variants begins, and how many follow: dtype, shape of no axes or of (3,).
_BEGINNINGS = {RAGGED: (b"\x08\x15\x12\x00", 1), TENSOR: (b"\x08\x15\x12\x04\x12\x02\x08\x03", 3)}
_CONTENT_KEY, _VARIANT_KEY, _NAME_KEY, _TENSOR_KEY = (number << 3 | 2 for number in (4, 15, 1, 3))
_STRING, _INT64 = 7, 9


class RaggedRows(NamedTuple):
    """Ragged tensors. rows: of each. levels: for each further ragged axis, the lengths of the rows of all. counts: the
    values of each; dtype, inner: of the values.
    """

    rows: NDArray[np.int64]
    levels: list[NDArray[np.int64]]
    counts: NDArray[np.int64]
    dtype: np.dtype[Any]
    inner: tuple[int, ...]


class SparseRows(NamedTuple):
    """Sparse tensors. counts: the values of each. indices: of all, [values, rank]. shape: the largest that one has."""

    counts: NDArray[np.int64]
    indices: NDArray[np.int64]
    dtype: np.dtype[Any]
    shape: NDArray[np.int64]


def ragged(block: Block) -> RaggedRows | None:
    """Read how ragged tensors are cut into rows; None for what is not alike."""
    tensors = _tensors(block, RAGGED)
    if tensors is None:
        return None
    *splits, values = tensors
    try:
        enum, dims = tensor_blocks.shapes(values)
        if not dims.shape[1] or (dims[:, 1:] != dims[0, 1:]).any():
            return None
        levels, after = [], dims[:, 0]
        for level in reversed(splits):
            cut = _lengths(level, after)
            if cut is None:
                return None
            lengths, after = cut
            levels.append(lengths)
    except FormatError:
        return None
    dtype = from_enum(enum)
    return None if dtype is None else RaggedRows(after, levels[::-1], dims[:, 0], dtype, tuple(dims[0, 1:].tolist()))


def ragged_values(block: Block, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Read the flat values of all; None for what is not alike, or not of that dtype."""
    tensors = _tensors(block, RAGGED)
    return None if tensors is None else _flat(tensors[-1], dtype)


def sparse(block: Block) -> SparseRows | None:
    """Read sparse tensors but for their values; None for what is not alike."""
    tensors = _tensors(block, TENSOR)
    if tensors is None or len(tensors) != 3:
        return None
    try:
        (of_places, places), (enum, values), (of_shapes, shape) = map(tensor_blocks.shapes, tensors)
        axes = places.shape[1], values.shape[1], shape.shape[1]
        rank = int(shape[0, 0]) if axes == (2, 1, 1) else 0
        if not rank or (of_places, of_shapes) != (_INT64, _INT64):
            return None
        counts = values[:, 0]
        if (shape != rank).any() or (places[:, 1] != rank).any() or (places[:, 0] != counts).any():
            return None
        indices = tensor_blocks.flat(tensors[0], _INT64).reshape(-1, rank)
        shapes = tensor_blocks.flat(tensors[2], _INT64).reshape(-1, rank)
    except FormatError:
        return None
    dtype = from_enum(enum)
    outside = (indices < 0) | (indices >= np.repeat(shapes, counts, axis=0))
    if dtype is None or outside.any():
        return None
    return SparseRows(counts, indices, dtype, shapes.max(0))


def sparse_values(block: Block, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Read the values of all; None for what is not alike, or not of that dtype."""
    tensors = _tensors(block, TENSOR)
    return None if tensors is None or len(tensors) != 3 else _flat(tensors[1], dtype)


def _flat(values: Block, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    try:
        enum, _ = tensor_blocks.shapes(values)
        if from_enum(enum) != dtype:
            return None
        if enum != _STRING:
            return tensor_blocks.flat(values, enum)
        pieces = [one.reshape(-1) for one in tensor_blocks.strings(values) if not isinstance(one, bytes)]
        return np.concatenate([np.empty(0, object), *pieces]) if len(pieces) == len(values) else None
    except FormatError:
        return None


def _lengths(splits: Block, after: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Turn row_splits into the lengths of the rows of all, and the number of rows of each.

    after: what each must end at. None for what does not add up.
    """
    enum, dims = tensor_blocks.shapes(splits)
    dtype = from_enum(enum)
    if dims.shape[1] != 1 or (dims < 1).any() or dtype is None or dtype.kind not in "iu":
        return None
    counts = dims[:, 0]
    ends = np.cumsum(counts)
    values = tensor_blocks.flat(splits, enum).astype(np.int64)
    if len(values) != ends[-1] or (values[ends - counts] != 0).any() or (values[ends - 1] != after).any():
        return None
    within = np.ones(len(values) - 1, np.bool_)
    within[ends[:-1] - 1] = False
    lengths = np.diff(values)[within]
    return None if (lengths < 0).any() else (lengths, counts - 1)


def _tensors(block: Block, type_name: str) -> list[Block] | None:
    """Give the first tensors of all records, the second ones, and so on; None for records that are not alike."""
    found: list[list[int]] = []
    try:
        for start, stop in zip(block.starts.tolist(), block.stops.tolist(), strict=True):
            places = _places(block.data, start, stop, type_name)
            if not places or (found and len(places) != len(found[0])):
                return None
            found.append(places)
    except FormatError:
        return None
    if not found:
        return None
    table = np.array(found, np.int64)
    return [
        Block(block.data, table[:, at], table[:, at + 1], block.numbers, block.offset)
        for at in range(0, table.shape[1], 2)
    ]


def _places(data: memoryview, at: int, stop: int, type_name: str) -> list[int]:
    """Give where each tensor in a record begins and ends; nothing if it is not written as usual."""
    beginning, variants = _BEGINNINGS[type_name]
    name = bytes([_NAME_KEY, len(type_name)]) + type_name.encode()
    if data[at : at + len(beginning)] != beginning:
        return []
    found = []
    for begin, end in _messages(data, at + len(beginning), stop, variants):
        at = begin + len(name)
        if data[begin:at] != name:
            return []
        while at < end:
            if data[at] != _TENSOR_KEY:
                return []
            size, at = varint(data, at + 1, end)
            found += [at, at + size]
            at += size
        if at != end:
            return []
    return found


def _messages(data: memoryview, at: int, stop: int, count: int) -> list[tuple[int, int]]:
    """Give where each variant begins and ends: in the content, after the lengths of all, or each in a field."""
    sizes, found = [], []
    if at < stop and data[at] == _CONTENT_KEY:
        size, at = varint(data, at + 1, stop)
        if at + size != stop:
            return []
        for _ in range(count):
            size, at = varint(data, at, stop)
            sizes.append(size)
    for number in range(count):
        if sizes:
            size = sizes[number]
        elif at < stop and data[at] == _VARIANT_KEY:
            size, at = varint(data, at + 1, stop)
        else:
            return []
        found.append((at, at + size))
        at += size
    return found if at == stop else []
