"""The components of a dataset's elements as arrays with the elements along a new axis 0, named as `save` names them.

Elements that are all of one shape are stacked; others are ragged along every axis up to the last that differs. Of a
dataset without elements, those axes are ragged that it leaves open. Batches stay elements: of batches of one size there
is an array [batches, size, ...], and one smaller batch makes it ragged. What a file is like may not enter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import from_enum, logical_name
from .._errors import FormatError
from .._protocols import ArraySource
from .._sources import HostArray, structural
from .._types import ArraySpec, joined
from ..wire import tensor_blocks, variant_blocks, variants
from ..wire.records import Block
from ..wire.structure import RAGGED, SPARSE, Leaf
from ..wire.tensor_fields import Head, checked
from ._column_sources import Decode, Fixed, Joined, JoinedStrings
from ._elements import Elements
from ._surveys import Shapes, Variants

LONE_NAME = "data"
_MOST_PACKED = 1100  # deflate makes nothing smaller than by 1032
_MOST_ROWS_RATIO, _MOST_ROWS_BYTES = 10, 64 << 20

Arrays = dict[str, ArraySource]


class Columns:
    """Makes arrays of components. kind, device: of the arrays."""

    def __init__(self, elements: Elements, kind: str, device: str) -> None:
        self._elements, self._kind, self._device = elements, kind, device

    def of_shape(self, component: int, leaf: Leaf, shape: tuple[int, ...]) -> Arrays:
        """Stack elements that are known to have one shape.

        Raises: FormatError for more than the files can hold.
        """
        head = checked(leaf.enum, shape)
        elements = self._elements
        if len(elements) * head.nbytes > _MOST_PACKED * max(elements.nbytes, 1):
            raise FormatError(
                f"{len(elements)} elements of {logical_name(head.dtype)} {shape} cannot be in the {elements.nbytes} "
                "bytes of its files"
            )
        if not head.dtype.hasobject:
            return {"": Fixed(elements, component, head, kind=self._kind, device=self._device)}
        ends = np.arange(len(elements) + 1) * head.elements
        return {"": self._strings(component, (len(elements), *shape), ends, _strings_of(head))}

    def of_shapes(self, component: int, leaf: Leaf, survey: Shapes) -> Arrays:
        """Stack elements, or make them ragged, by the shapes that they were found to have."""
        dims = self._in_order(survey.each())
        if not len(dims):
            dims = np.empty((0, len(leaf.shape or ())), np.int64)
        else:
            _check_declared(leaf, survey.enum, dims)
        leaf = leaf._replace(enum=survey.enum or leaf.enum)
        if survey.fixed is not None:
            return self.of_shape(component, leaf, survey.fixed)
        varying = [axis for axis, size in enumerate(leaf.shape or ()) if size < 0]
        if len(dims):
            varying = np.flatnonzero((dims != dims[0]).any(0)).tolist()
        inner = tuple(dims[0].tolist()) if len(dims) else tuple(max(n, 0) for n in leaf.shape or ())
        if not varying:
            return self.of_shape(component, leaf, inner)
        axes = varying[-1] + 1
        self._check_rows(dims[:, :axes])
        found: Arrays = {}
        rows = np.ones(len(dims), np.int64)
        for level in range(axes):
            found["values/" * level + "row_splits"] = self._splits(np.repeat(dims[:, level], rows))
            rows = rows * dims[:, level]
        decode = _strings_of(None) if leaf.enum == 7 else _numbers_of(leaf.enum)
        spec = ArraySpec((int(rows.sum()), *inner[axes:]), Head(leaf.enum, ()).dtype)
        found["values/" * (axes - 1) + "values"] = self._joined(component, spec, rows, decode)
        return found

    def of_variants(self, component: int, leaf: Leaf, survey: Variants) -> Arrays | str:
        """Join ragged or sparse tensors; of other variants, say what they are."""
        if survey.type_name == variants.RAGGED or (survey.type_name is None and leaf.kind == RAGGED):
            return self._ragged(component, leaf, survey)
        if survey.type_name == variants.TENSOR or (survey.type_name is None and leaf.kind == SPARSE):
            return self._sparse(component, leaf, survey)
        return f"variants ({survey.type_name or leaf.what}), which only TensorFlow can use"

    def _ragged(self, component: int, leaf: Leaf, survey: Variants) -> Arrays:
        if survey.type_name is None:
            return self.of_shapes(component, leaf, Shapes())
        rows, counts, levels = survey.rows, survey.counts, self._levels_in_order(survey)
        found: Arrays = {"row_splits": self._splits(self._in_order(rows))}
        for depth, level in enumerate(levels, start=1):
            found["values/" * depth + "row_splits"] = self._splits(level)
        spec = ArraySpec((int(counts.sum()), *survey.inner), survey.dtype)
        found["values/" * len(levels) + "values"] = self._joined(
            component, spec, self._in_order(counts), _ragged_values(survey.dtype)
        )
        return found

    def _sparse(self, component: int, leaf: Leaf, survey: Variants) -> Arrays:
        counts = self._in_order(survey.counts)
        total = int(counts.sum())
        dtype, shape = survey.dtype, survey.shape
        if survey.type_name is None:
            dtype = from_enum(leaf.enum) or dtype
            shape = np.array([max(n, 0) for n in leaf.shape or ()], np.int64)
        indices = ArraySpec((total, len(shape) + 1), np.dtype(np.int64))
        return {
            "indices": structural(self._joined(component, indices, counts, _sparse_indices)),
            "values": self._joined(component, ArraySpec((total,), dtype), counts, _sparse_values(dtype)),
            "shape": self._host(np.array([len(self._elements), *shape], np.int64)),
        }

    def _joined(self, component: int, spec: ArraySpec, rows: NDArray[np.int64], decode: Decode) -> ArraySource:
        """Join elements of so many rows each."""
        shape = tuple(n or 0 for n in spec.shape)
        ends = np.concatenate([[0], np.cumsum(rows)]) * math.prod(shape[1:])
        if spec.dtype.hasobject:
            return self._strings(component, shape, ends, decode)
        return Joined(self._elements, component, spec, ends, decode, kind=self._kind, device=self._device)

    def _strings(self, component: int, shape: tuple[int, ...], ends: Any, decode: Decode) -> ArraySource:
        return JoinedStrings(self._elements, component, shape, ends, decode, kind=self._kind, device=self._device)

    def _splits(self, lengths: NDArray[np.int64]) -> ArraySource:
        return self._host(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def _host(self, array: NDArray[np.int64]) -> ArraySource:
        found: ArraySource = structural(HostArray(array, kind=self._kind, device=self._device))
        return found

    def _levels_in_order(self, survey: Variants) -> list[NDArray[np.int64]]:
        """Put the lengths of rows, of which each element has several, into the order of the elements."""
        if self._elements.order is None:
            return survey.levels
        found, counts = [], survey.rows
        for level in survey.levels:
            ends = np.cumsum(counts)
            parts = np.split(level, ends[:-1])
            found.append(np.concatenate([parts[i] for i in self._elements.order]))
            running = np.concatenate([[0], np.cumsum(level)])
            counts = running[ends] - running[ends - counts]
        return found

    def _in_order(self, found: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put what was found file by file into the order of the elements."""
        return found if self._elements.order is None or not len(found) else found[self._elements.order]

    def _check_rows(self, dims: NDArray[np.int64]) -> None:
        """Refuse row_splits that would be far larger than the files: rows of no elements take no room there."""
        most = _MOST_ROWS_RATIO * self._elements.nbytes + _MOST_ROWS_BYTES
        if dims.astype(np.float64).cumprod(axis=1).sum() * 8 > most:
            raise FormatError(f"the elements declare rows whose bounds alone take more than {most} bytes")


def named(leaf: Leaf, found: Arrays) -> Arrays:
    """Name the arrays of a component."""
    return {joined(leaf.name, part) or LONE_NAME: source for part, source in found.items()}


def unique(leaves: Sequence[Leaf]) -> list[Leaf]:
    """Give names to components that would share one: a key of a dict may look like a path."""
    found: list[Leaf] = []
    taken: set[str] = set()
    for leaf in leaves:
        name, number = leaf.name, 1
        while name in taken:
            name, number = f"{leaf.name}_{number}", number + 1
        taken.add(name)
        found.append(leaf._replace(name=name))
    return found


def _check_declared(leaf: Leaf, enum: int, dims: NDArray[np.int64]) -> None:
    """Refuse elements that are not what the dataset says of them."""
    if leaf.enum not in (0, enum):
        raise FormatError(f"the elements are of dtype {enum}, and {leaf.enum} is recorded")
    if leaf.shape is None:
        return
    known = [axis for axis, size in enumerate(leaf.shape) if size >= 0]
    fits = dims.shape[1] == len(leaf.shape) and (dims[:, known] == [leaf.shape[axis] for axis in known]).all()
    if not fits:
        raise FormatError(f"the elements have other shapes than {leaf.shape}, which is recorded")


def _numbers_of(enum: int) -> Decode:
    return lambda block, numbers: tensor_blocks.flat(block, enum)


def _strings_of(head: Head | None) -> Decode:
    def decode(block: Block, numbers: NDArray[np.int64]) -> NDArray[Any]:
        pieces: list[Any] = []
        for i, one in enumerate(tensor_blocks.strings(block)):
            shape = () if isinstance(one, bytes) else one.shape
            if head is not None and shape != head.shape:
                raise tensor_blocks.other(block, i, Head(head.enum, shape), head)
            pieces.append([one] if isinstance(one, bytes) else one.reshape(-1).tolist())
        flat = np.empty(sum(map(len, pieces)), object)
        flat[:] = [string for piece in pieces for string in piece]
        return flat

    return decode


def _ragged_values(dtype: np.dtype[Any]) -> Decode:
    def decode(block: Block, numbers: NDArray[np.int64]) -> NDArray[Any]:
        together = variant_blocks.ragged_values(block, dtype)
        if together is not None:
            return together
        return np.concatenate([variants.ragged(record).values.reshape(-1) for record in block])

    return decode


def _sparse_indices(block: Block, numbers: NDArray[np.int64]) -> NDArray[Any]:
    together = variant_blocks.sparse(block)
    if together is not None:
        return np.column_stack([np.repeat(numbers, together.counts), together.indices]).reshape(-1)
    found = [variants.sparse(record).indices for record in block]
    rows = np.repeat(numbers, [len(indices) for indices in found])
    return np.column_stack([rows, np.concatenate(found)]).reshape(-1)


def _sparse_values(dtype: np.dtype[Any]) -> Decode:
    def decode(block: Block, numbers: NDArray[np.int64]) -> NDArray[Any]:
        together = variant_blocks.sparse_values(block, dtype)
        if together is not None:
            return together
        return np.concatenate([variants.sparse(record).values for record in block])

    return decode
