"""One leaf of a dataset's elements as growing flat arrays: what a block of rows adds to each. No TensorFlow.

A column names its arrays, splits each block of rows into them (offsets counted from the first row of all), and
builds the whole leaf from them in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import _ragged
from .._errors import DatasetError
from .._ragged import RaggedArray
from .._sparse import SparseArray
from .._strings import held_bytes
from .._types import ArraySpec
from .ragged import row_bytes

Arrays = dict[str, NDArray[Any]]


class Column(Protocol):
    """What one leaf of the elements becomes."""

    def specs(self) -> dict[str, ArraySpec]:
        """Describe its arrays; unknown row counts are None."""

    def split(self, block: Any) -> Arrays:
        """Give the rows that a block adds to each array."""

    def row_bytes(self, block: Any) -> NDArray[np.int64]:
        """Give the host bytes of each row of a block."""

    def rows(self, block: Any, start: int, stop: int) -> Any:
        """Cut rows out of a block."""

    def last(self) -> Arrays:
        """Give what can only be known after the last block, whole."""

    def state(self) -> Any:
        """Say what the blocks so far have come to, in terms that JSON can hold."""

    def restore(self, state: Any) -> None:
        """Go on as after the blocks of which `state` was taken."""

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """Put the leaf together."""


@dataclass
class DenseColumn:
    """Rows of one shape: a single array."""

    spec: ArraySpec

    def specs(self) -> dict[str, ArraySpec]:
        """One array of [rows, ...]."""
        return {"": self.spec}

    def split(self, block: Any) -> Arrays:
        """The block itself."""
        return {"": block}

    def row_bytes(self, block: Any) -> NDArray[np.int64]:
        """One size for all rows, but for strings."""
        return _dense_row_bytes(block)

    def rows(self, block: Any, start: int, stop: int) -> Any:
        """A view."""
        return block[start:stop]

    def last(self) -> Arrays:
        """Nothing."""
        return {}

    def state(self) -> None:
        """Nothing: a block does not depend on those before."""

    def restore(self, state: None) -> None:
        """Nothing."""

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """The array itself."""
        return arrays[""]


class RaggedColumn:
    """Rows of differing shape: values and row_splits, nested for each further ragged axis."""

    def __init__(self, rows: int | None, ragged_rank: int, values: ArraySpec) -> None:
        self._ragged_rank = ragged_rank
        self._specs: dict[str, ArraySpec] = {}
        splits = ArraySpec((None if rows is None else rows + 1,), np.dtype(np.int64), structural=True)
        for level in range(ragged_rank):
            self._specs["values/" * level + "row_splits"] = splits
            splits = replace(splits, shape=(None,))
        self._specs[self._values_name] = replace(values, shape=(None, *values.shape[1:]))
        self._totals = [0] * ragged_rank
        self._begun = False

    @property
    def _values_name(self) -> str:
        return "values/" * (self._ragged_rank - 1) + "values"

    def specs(self) -> dict[str, ArraySpec]:
        """row_splits of every level, outermost first, then the flat values."""
        return self._specs

    def split(self, block: Any) -> Arrays:
        """The block's row_splits, moved behind those before it, and its flat values."""
        if not isinstance(block, RaggedArray):
            block = _ragged.from_dense(block, self._ragged_rank)
        added: Arrays = {}
        for level, splits in enumerate(block.nested_row_splits):
            moved = splits.astype(np.int64) + self._totals[level]
            self._totals[level] = int(moved[-1])
            added["values/" * level + "row_splits"] = moved[1:] if self._begun else moved
        values = block.flat_values
        expected = self._specs[self._values_name].shape[1:]
        if values.shape[1:] != expected:
            raise DatasetError(
                f"ragged elements whose inner dimensions differ ({values.shape[1:]} after {expected}) cannot be "
                "joined; give every element the same inner shape, or make those axes ragged"
            )
        added[self._values_name] = values
        self._begun = True
        return added

    def row_bytes(self, block: Any) -> NDArray[np.int64]:
        """The values of the rows and their part of every row_splits."""
        if not isinstance(block, RaggedArray):
            return _dense_row_bytes(block)
        values = np.concatenate(([0], np.cumsum(_dense_row_bytes(block.flat_values))))
        return row_bytes(block.nested_row_splits, lambda ends: np.diff(values[ends]), 0, len(block))

    def rows(self, block: Any, start: int, stop: int) -> Any:
        """Views, but for the row_splits."""
        return block[start:stop]

    def last(self) -> Arrays:
        """The leading zero of every row_splits, where there was no block to bring it."""
        if self._begun:
            return {}
        return {name: np.zeros(1, np.int64) for name in self._specs if name.endswith("row_splits")}

    def state(self) -> list[int] | None:
        """The values so far at every level; None before the first block."""
        return list(self._totals) if self._begun else None

    def restore(self, state: list[int] | None) -> None:
        """Count on from there."""
        self._begun = state is not None
        self._totals = list(state or [0] * self._ragged_rank)

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """A RaggedArray of all the rows."""
        whole: Any = arrays[self._values_name]
        for level in reversed(range(self._ragged_rank)):
            whole = RaggedArray(whole, arrays["values/" * level + "row_splits"])
        return whole


class SparseColumn:
    """Sparse rows: coordinates, values, and the dense shape that holds them all."""

    def __init__(self, shape: tuple[int | None, ...], values: np.dtype[Any]) -> None:
        rank = len(shape)
        self._specs = {
            "indices": ArraySpec((None, rank), np.dtype(np.int64), structural=True),
            "values": ArraySpec((None,), values),
            "shape": ArraySpec((rank,), np.dtype(np.int64), structural=True),
        }
        self._shape = [0, *(n or 0 for n in shape[1:])]

    def specs(self) -> dict[str, ArraySpec]:
        """Coordinates [nnz, rank], values [nnz], dense shape [rank]."""
        return self._specs

    def split(self, block: SparseArray) -> Arrays:
        """The block's coordinates, with its rows moved behind those before it, and its values."""
        indices = np.array(block.indices)
        indices[:, 0] += self._shape[0]
        assert block.shape is not None
        self._shape = [self._shape[0] + block.shape[0], *map(max, self._shape[1:], block.shape[1:])]
        return {"indices": indices, "values": block.values}

    def row_bytes(self, block: SparseArray) -> NDArray[np.int64]:
        """What the values of each row and their coordinates take."""
        assert block.shape is not None
        each = _dense_row_bytes(block.values) + block.indices.itemsize * block.indices.shape[1]
        return np.bincount(block.indices[:, 0], each, block.shape[0]).astype(np.int64)

    def rows(self, block: SparseArray, start: int, stop: int) -> SparseArray:
        """The values that stand in those rows, copied."""
        assert block.shape is not None
        chosen = (block.indices[:, 0] >= start) & (block.indices[:, 0] < stop)
        indices = block.indices[chosen]
        indices[:, 0] -= start
        return SparseArray(indices, block.values[chosen], (stop - start, *block.shape[1:]))

    def last(self) -> Arrays:
        """The shape: as many rows as came, and on the other axes the largest that any block had."""
        return {"shape": np.asarray(self._shape, np.int64)}

    def state(self) -> list[int]:
        """The shape so far."""
        return list(self._shape)

    def restore(self, state: list[int]) -> None:
        """Count on from there."""
        self._shape = list(state)

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """A SparseArray of all the rows."""
        return SparseArray(arrays["indices"], arrays["values"], tuple(int(n) for n in arrays["shape"]))


@dataclass
class NoneColumn:
    """A leaf that is None in every element, and None in the result."""

    specs: Callable[[], dict[str, ArraySpec]] = dict
    last: Callable[[], Arrays] = dict

    def split(self, block: Any) -> Arrays:
        """Nothing."""
        return {}

    def state(self) -> None:
        """Nothing."""

    def restore(self, state: None) -> None:
        """Nothing."""

    def row_bytes(self, block: Any) -> NDArray[np.int64]:
        """Nothing, whatever the number of rows."""
        return np.zeros((), np.int64)

    def rows(self, block: Any, start: int, stop: int) -> Any:
        """None."""
        return None

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """None."""
        return None


def _dense_row_bytes(block: NDArray[Any]) -> NDArray[np.int64]:
    if block.dtype.hasobject:
        total: NDArray[np.int64] = held_bytes(block).sum(axis=tuple(range(1, block.ndim)))
        return total
    return np.full(len(block), math.prod(block.shape[1:]) * block.itemsize, np.int64)
