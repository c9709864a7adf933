"""What has to be known of all elements of a component before there can be an array: their shapes. No array may enter.

A survey is given the records block by block, in the order of the files, and remembers some bytes of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import logical_name
from .._errors import FormatError
from ..wire import tensor_blocks, variant_blocks, variants
from ..wire.records import Block
from ..wire.tensor_fields import Head
from ..wire.tensor_proto import handles
from ..wire.variant_blocks import RaggedRows, SparseRows

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

    type_name: what they are; None without any. dtype, inner: of their values. shape: the largest of sparse ones.
    """

    def __init__(self) -> None:
        self.type_name: str | None = None
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.inner: tuple[int, ...] = ()
        self.shape: NDArray[np.int64] = np.zeros(0, np.int64)
        self._rows: list[NDArray[np.int64]] = []
        self._counts: list[NDArray[np.int64]] = []
        self._levels: list[list[NDArray[np.int64]]] = []
        self._shown = ""

    def __call__(self, block: Block) -> None:
        """Take in some records.

        Raises: FormatError, naming the record, for one that is no such tensor, or differs from those before.
        """
        if len(block) and self.type_name is None:
            self._begin(block.data[block.starts[0] : block.stops[0]])
        together = _together(block, self.type_name)
        if together is not None and self._fits(together):
            self._add(together)
            return
        for i, record in enumerate(block):
            try:
                alone = _alone(record, self.type_name)
                if alone is None:
                    return
                if not self._fits(alone):
                    raise FormatError(f"it is {_shown(alone)}, and those before it {self._shown}")
            except FormatError as error:
                raise tensor_blocks.of_record(block, i, error) from error
            self._add(alone)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of each ragged tensor."""
        return _joined(self._rows)

    @property
    def counts(self) -> NDArray[np.int64]:
        """The values of each tensor."""
        return _joined(self._counts)

    @property
    def levels(self) -> list[NDArray[np.int64]]:
        """For each further ragged axis, the lengths of the rows of all."""
        return [_joined(level) for level in self._levels]

    def _begin(self, record: memoryview) -> None:
        shape, elements = handles(record)
        if not elements:
            raise FormatError(f"its first element has the shape {shape} and so no variant that would say what it is")
        self.type_name = variants.variant(elements[0]).type_name
        first = _alone(record, self.type_name)
        if first is not None:
            self.dtype, self._shown = first.dtype, _shown(first)
        if isinstance(first, RaggedRows):
            self._levels, self.inner = [[] for _ in first.levels], first.inner
        elif isinstance(first, SparseRows):
            self.shape = np.zeros_like(first.shape)

    def _fits(self, found: RaggedRows | SparseRows) -> bool:
        return _shown(found) == self._shown

    def _add(self, found: RaggedRows | SparseRows) -> None:
        self._counts.append(found.counts)
        if isinstance(found, SparseRows):
            self.shape = np.maximum(self.shape, found.shape)
            return
        self._rows.append(found.rows)
        for level, lengths in zip(self._levels, found.levels, strict=True):
            level.append(lengths)


def _together(block: Block, type_name: str | None) -> RaggedRows | SparseRows | None:
    if not len(block):
        return None
    if type_name == variants.RAGGED:
        return variant_blocks.ragged(block)
    return variant_blocks.sparse(block) if type_name == variants.TENSOR else None


def _alone(record: memoryview, type_name: str | None) -> RaggedRows | SparseRows | None:
    """Read one record; None for a variant that can be no array."""
    if type_name == variants.RAGGED:
        splits, values = variants.ragged(record)
        rows = len(splits[0]) - 1 if splits else len(values)
        levels = [np.diff(one) for one in splits]
        return RaggedRows(np.array([rows]), levels, np.array([len(values)]), values.dtype, values.shape[1:])
    if type_name == variants.TENSOR:
        indices, values, shape = variants.sparse(record)
        return SparseRows(np.array([len(values)]), indices, values.dtype, shape)
    return None


def _shown(found: RaggedRows | SparseRows) -> str:
    """Say what must be the same for all elements."""
    if isinstance(found, SparseRows):
        return f"a sparse tensor of {logical_name(found.dtype)} with {len(found.shape)} axes"
    return f"a ragged tensor of {logical_name(found.dtype)} {found.inner} with {len(found.levels)} row_splits"


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *parts])


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
