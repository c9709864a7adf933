"""What has to be known of all elements of a component before there can be an array: their shapes. No array may enter.

A survey is given the records block by block, in the order of the files, and remembers some bytes of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from ..wire import tensor_blocks, variants
from ..wire.records import Block
from ..wire.tensor_fields import Head
from ..wire.tensor_proto import handles
from ..wire.variants import Variant

_INT64 = 9


class Shapes:
    """The shapes of elements that are tensors of numbers or strings."""

    def __init__(self) -> None:
        self.enum = 0
        self._dims: list[NDArray[np.int64]] = []

    def __call__(self, block: Block) -> None:
        """Take in some records.

        Raises: FormatError for one that differs in dtype or number of axes from those before.
        """
        if not len(block):
            return
        enum, dims = tensor_blocks.shapes(block)
        if self._dims and (enum, dims.shape[1]) != (self.enum, self._dims[0].shape[1]):
            before = Head(self.enum, tuple(self._dims[0][0].tolist()))
            raise tensor_blocks.other(block, 0, Head(enum, tuple(dims[0].tolist())), before)
        self.enum = enum
        self._dims.append(dims)

    @property
    def fixed(self) -> tuple[int, ...] | None:
        """The shape of all elements, if it is one and there are any."""
        if not self._dims or not all((dims == self._dims[0][0]).all() for dims in self._dims):
            return None
        return tuple(self._dims[0][0].tolist())

    def each(self) -> NDArray[np.int64]:
        """The shape of each element: [elements, axes]."""
        return np.concatenate(self._dims) if self._dims else np.empty((0, 0), np.int64)


class Variants:
    """The sizes of elements that are ragged or sparse tensors, which the first of them says.

    type_name: what they are; None without any. dtype, inner: of their values. rows: of each element; for each further
    ragged axis, the lengths of all its rows: levels. counts: the values of each. shape: the largest of sparse ones.
    """

    def __init__(self) -> None:
        self.type_name: str | None = None
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.inner: tuple[int, ...] = ()
        self.rows: list[int] = []
        self.counts: list[int] = []
        self.levels: list[list[NDArray[np.int64]]] = []
        self.shape: NDArray[np.int64] = np.zeros(0, np.int64)

    def __call__(self, block: Block) -> None:
        """Take in some records.

        Raises: FormatError, naming the record, for one that is no such tensor, or differs from those before.
        """
        for i, record in enumerate(block):
            try:
                if self.type_name is None:
                    self._begin(record)
                if self.type_name == variants.RAGGED:
                    self._add_ragged(variants.ragged(record))
                elif self.type_name == variants.TENSOR:
                    self._add_sparse(variants.sparse(record))
            except FormatError as error:
                raise FormatError(f"the record {block.numbers[i]}: {error}") from error

    def _begin(self, record: memoryview) -> None:
        shape, elements = handles(record)
        if not elements:
            raise FormatError(f"it has the shape {shape} and so no variant that would say what it is")
        first: Variant = variants.variant(elements[0])
        self.type_name = first.type_name
        if first.type_name == variants.RAGGED:
            found = variants.ragged(record)
            self.levels = [[] for _ in found.row_splits]
            self.dtype, self.inner = found.values.dtype, found.values.shape[1:]
        elif first.type_name == variants.TENSOR:
            sparse = variants.sparse(record)
            self.dtype, self.shape = sparse.values.dtype, np.zeros_like(sparse.shape)

    def _add_ragged(self, found: variants.Ragged) -> None:
        kind = (len(found.row_splits), found.values.dtype, found.values.shape[1:])
        if kind != (len(self.levels), self.dtype, self.inner):
            raise FormatError(
                f"it has {kind[0]} ragged axes over {kind[1]} of shape {kind[2]}, and those before it "
                f"{len(self.levels)} over {self.dtype} of shape {self.inner}"
            )
        self.rows.append(len(found.row_splits[0]) - 1 if found.row_splits else len(found.values))
        self.counts.append(len(found.values))
        for level, splits in zip(self.levels, found.row_splits, strict=True):
            level.append(np.diff(splits))

    def _add_sparse(self, found: variants.Sparse) -> None:
        if len(found.shape) != len(self.shape) or found.values.dtype != self.dtype:
            raise FormatError(
                f"it has {len(found.shape)} axes of {found.values.dtype}, and those before it {len(self.shape)} of "
                f"{self.dtype}"
            )
        self.counts.append(len(found.values))
        self.shape = np.maximum(self.shape, found.shape)


class Integers:
    """The elements themselves, as long as each is one int64."""

    def __init__(self) -> None:
        self._found: list[NDArray[np.int64]] = []
        self._others = False

    def __call__(self, block: Block) -> None:
        """Take in some records."""
        if not len(block) or self._others:
            return
        enum, dims = tensor_blocks.shapes(block)
        if (enum, dims.shape[1]) != (_INT64, 0):
            self._others = True
            return
        values = np.empty(len(block), np.int64)
        tensor_blocks.fill(block, Head(_INT64, ()), values)
        self._found.append(values)

    def are_places(self, ends: NDArray[np.int64]) -> bool:
        """Tell whether they number all elements from 0 on, rising in each file; ends: of the files."""
        if self._others or not self._found:
            return False
        found = self.all()
        rising = np.diff(found) > 0
        rising[ends[(ends > 0) & (ends < len(found))] - 1] = True
        return bool(rising.all()) and np.array_equal(np.sort(found), np.arange(len(found)))

    def all(self) -> NDArray[np.int64]:
        """All of them."""
        return np.concatenate(self._found)
