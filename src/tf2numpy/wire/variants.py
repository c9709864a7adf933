"""What tf.data keeps in variants: ragged and sparse tensors, and compressed elements. Where they lie may not enter.

Source: tensorflow/core/kernels/{ragged_tensor_variant.cc, serialize_sparse_op.cc}, tensorflow/core/data/
compression_utils.cc. All other variants (iterators, optionals, datasets) are only for TensorFlow.
"""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from . import tensor_proto
from .compression import snappy_block
from .protobuf import Buffer, Message
from .tensor_fields import checked, sizes

RAGGED, TENSOR, COMPRESSED = "RaggedTensorVariant", "tensorflow::Tensor", "tensorflow.data.CompressedElement"
_STRING, _VARIANT = 7, 21


class Variant(NamedTuple):
    """One VariantTensorDataProto: its type, what that keeps beside its tensors, and these as TensorProtos."""

    type_name: str
    metadata: memoryview
    tensors: list[memoryview]


class Ragged(NamedTuple):
    """A ragged tensor: row_splits (int64) from the outermost axis on, perhaps none, and the flat values."""

    row_splits: tuple[NDArray[np.int64], ...]
    values: NDArray[Any]


class Sparse(NamedTuple):
    """A sparse tensor: coordinates [n, rank] (int64), values [n], dense shape [rank] (int64)."""

    indices: NDArray[np.int64]
    values: NDArray[Any]
    shape: NDArray[np.int64]


def variant(data: Buffer) -> Variant:
    """Read a VariantTensorDataProto.

    Raises: FormatError.
    """
    message = Message(data)
    return Variant(message.text(1), message.content(2), message.contents(3))


def ragged(data: Buffer) -> Ragged:
    """Read the TensorProto of a ragged tensor, or of a tensor of those, whose own axes then come first.

    Raises: FormatError for what is none, and for row_splits that do not fit.
    """
    shape, elements = tensor_proto.handles(data)
    parts = [_ragged(_of_type(element, RAGGED)) for element in elements]
    if not shape:
        return parts[0]
    found = stacked(parts)
    for size in reversed(shape[1:]):
        rows = len(found.row_splits[0]) - 1
        outer = np.arange(0, rows + 1, size) if size else np.zeros(math.prod(shape[:1]) + 1, np.int64)
        found = Ragged((outer, *found.row_splits), found.values)
    return found


def stacked(parts: list[Ragged]) -> Ragged:
    """Put ragged tensors into one, with an axis more, each being a row of it.

    Raises: FormatError for parts that differ in rank, dtype or inner shape.
    """
    if len({(len(part.row_splits), part.values.dtype, part.values.shape[1:]) for part in parts}) > 1:
        raise FormatError("its ragged parts differ in rank, dtype or inner shape")
    if not parts:
        raise FormatError("it has no ragged parts, and so no dtype")
    levels = []
    rows = [len(part.row_splits[0]) - 1 if part.row_splits else len(part.values) for part in parts]
    levels.append(np.cumsum([0, *rows], dtype=np.int64))
    for splits in zip(*(part.row_splits for part in parts), strict=True):
        starts = accumulate((int(one[-1]) for one in splits[:-1]), initial=0)
        moved = [one[1:] + start for one, start in zip(splits, starts, strict=True)]
        levels.append(np.concatenate([np.zeros(1, np.int64), *moved]))
    return Ragged(tuple(levels), np.concatenate([part.values for part in parts]))


def sparse(data: Buffer) -> Sparse:
    """Read the TensorProto of a sparse tensor: three variants; or of a tensor of those, whose own axes then come first.

    The dense shape of several is the largest of theirs. Raises: FormatError for what is none.
    """
    shape, elements = tensor_proto.handles(data)
    if not shape or shape[-1] != 3 or 0 in shape:
        raise FormatError(f"sparse tensors are 3 variants each, found the shape {shape}")
    tensors = [tensor_proto.decoded(_single(_of_type(element, TENSOR))) for element in elements]
    parts = [_checked_sparse(*tensors[at : at + 3]) for at in range(0, len(tensors), 3)]
    for size in reversed(shape[:-1]):
        parts = [_stacked_sparse(parts[at : at + size]) for at in range(0, len(parts), size)]
    return parts[0]


def _stacked_sparse(parts: list[Sparse]) -> Sparse:
    """Put sparse tensors, at least one, into one with an axis more, of which each is a row.

    Raises: FormatError for parts that differ in rank or dtype.
    """
    if len({(part.values.dtype, len(part.shape)) for part in parts}) > 1:
        raise FormatError("its sparse parts differ in rank or dtype")
    rows = np.repeat(np.arange(len(parts)), [len(part.values) for part in parts])
    indices = np.concatenate([part.indices for part in parts])
    shape = np.max([part.shape for part in parts], axis=0)
    return Sparse(
        np.column_stack([rows, indices]),
        np.concatenate([part.values for part in parts]),
        np.array([len(parts), *shape], np.int64),
    )


def compressed_element(data: Buffer) -> list[NDArray[Any]]:
    """Read the TensorProto of a compressed element: its components.

    Raises: FormatError for what is none, and for components that are variants; MissingExtra.
    """
    shape, elements = tensor_proto.handles(data)
    if shape:
        raise FormatError(f"a compressed element is one variant, found the shape {shape}")
    message = Message(_of_type(elements[0], COMPRESSED).metadata)
    if message.integer(3):
        raise FormatError(f"the compressed element is of version {message.integer(3)}, and 0 is known")
    raw = memoryview(snappy_block(message.content(1)))
    found, at = [], 0
    for component in message.messages(2):
        lengths = component.integers(4).tolist()
        if min(lengths, default=0) < 0 or sum(lengths) > len(raw) - at:
            raise FormatError(f"a component takes {sum(lengths)} bytes, and {len(raw) - at} are left")
        ends = list(accumulate(lengths, initial=at))
        found.append(_component(component, [raw[start:stop] for start, stop in pairwise(ends)]))
        at = ends[-1]
    if at != len(raw):
        raise FormatError(f"the components take {at} bytes of the {len(raw)} of the compressed element")
    return found


def _component(component: Message, pieces: list[memoryview]) -> NDArray[Any]:
    shape = sizes(component.message(2))
    if shape is None or -1 in shape:
        raise FormatError("the shape of a component is not fully known")
    head = checked(component.integer(1), shape)
    if head.plain_enum == _STRING:
        if len(pieces) != head.elements:
            raise FormatError(f"a component has {len(pieces)} strings, and {head.elements} by its shape")
        strings = np.empty(len(pieces), object)
        strings[:] = [bytes(piece) for piece in pieces]
        return strings.reshape(head.shape)
    if head.plain_enum == _VARIANT or len(pieces) > 1:
        raise FormatError(f"a component of dtype {head.enum} in {len(pieces)} pieces is none that can be read")
    return tensor_proto.from_content(pieces[0] if pieces else memoryview(b""), head)


def _ragged(found: Variant) -> Ragged:
    if not found.tensors:
        raise FormatError("the ragged tensor has no values")
    *splits, values = [tensor_proto.decoded(tensor) for tensor in found.tensors]
    if not values.ndim:
        raise FormatError("the values of the ragged tensor have no axis")
    levels = []
    for level, one in enumerate(splits):
        after = len(splits[level + 1]) - 1 if level + 1 < len(splits) else len(values)
        if one.ndim != 1 or not len(one) or one.dtype.kind not in "iu":
            raise FormatError(f"the row_splits of axis {level} are no whole numbers in a row")
        one = one.astype(np.int64)
        if one[0] != 0 or one[-1] != after or (np.diff(one) < 0).any():
            raise FormatError(f"the row_splits of axis {level} do not rise from 0 to {after}")
        levels.append(one)
    return Ragged(tuple(levels), values)


def _checked_sparse(indices: NDArray[Any], values: NDArray[Any], shape: NDArray[Any]) -> Sparse:
    integers = (indices.dtype, shape.dtype) == (np.dtype(np.int64),) * 2
    if not integers or shape.ndim != 1 or values.ndim != 1 or indices.shape != (len(values), len(shape)):
        raise FormatError(
            f"the parts of a sparse tensor have the shapes {indices.shape}, {values.shape} and {shape.shape}"
            f"{'' if integers else ', and not all of them the dtypes they must have'}"
        )
    if (indices < 0).any() or (indices >= shape).any():
        raise FormatError("the indices of a sparse tensor lie outside of its shape")
    return Sparse(indices, values, shape)


def _of_type(element: Buffer, type_name: str) -> Variant:
    found = variant(element)
    if found.type_name != type_name:
        raise FormatError(f"the variant is {found.type_name[:100]!r}, and {type_name!r} is needed")
    return found


def _single(found: Variant) -> memoryview:
    if len(found.tensors) != 1:
        raise FormatError(f"the variant has {len(found.tensors)} tensors, and must have one")
    return found.tensors[0]
