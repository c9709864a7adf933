"""A generator of batches, arrays or structures of them, as rows. It can be gone through once, and from the beginning.

TensorFlow is not needed: batches may be NumPy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
import optree

from .._errors import DatasetError, at_leaf
from .._protocols import Resolve
from .._ragged import RaggedArray
from .._sources import gather
from .._sparse import SparseArray
from .._types import ArraySpec, Request
from ._block_rows import BlockRows

_ROWS = (np.ndarray, RaggedArray, SparseArray)


def batches(x: Any, resolve: Resolve) -> BatchesSource:
    """Give the rows of all batches that an iterator gives."""
    return BatchesSource(x, resolve)


class BatchesSource(BlockRows):
    """The rows of a generator's batches. What they are is known when the first batch is, and not before it is asked."""

    kind, device = "generator of batches", "host"
    element = "batch"
    once = True

    def __init__(self, x: Iterator[Any], resolve: Resolve) -> None:
        self._iterator, self._resolve = x, resolve
        self._first: list[Any] | None = None
        self._looked = False

    def specs(self) -> Mapping[str, ArraySpec]:
        """Describe the arrays; the first time, read the first batch and keep it."""
        if not self._looked:
            self._look()
        return super().specs()

    def blocks(self, block_bytes: int, skip: int, done: int) -> Iterator[list[Any]]:
        """Give the leaves of each batch."""
        number = 0
        try:
            for leaves in chain([self._first], map(self._leaves, self._iterator)):
                assert leaves is not None
                self._check(leaves)
                yield leaves
                self._first = None
                number += 1
        except Exception as error:
            error.add_note(f"in batch {number} of the generator")
            raise

    def _look(self) -> None:
        first = next(self._iterator, None)
        if first is None:
            raise DatasetError("this generator gives no batch, so nothing says what it would give; give at least one")
        self._looked = True
        self.treespec = optree.tree_structure(first, none_is_leaf=True)
        self._first = self._leaves(first)
        super().__init__(self.treespec.unflatten(self._first), None)

    def _leaves(self, batch: Any) -> list[Any]:
        """Convert the leaves of a batch; raise DatasetError for one that has no rows."""
        accessors, found, treespec = optree.tree_flatten_with_accessor(batch, none_is_leaf=True)
        if treespec != self.treespec:
            raise DatasetError(
                f"this batch is {treespec}, and the first was {self.treespec}; give batches of one structure"
            )
        leaves = []
        for accessor, leaf in zip(accessors, found, strict=True):
            with at_leaf(accessor.codify(self.element)):
                array = None if leaf is None else _kept(leaf, gather(self._resolve(leaf), Request(copy=None)))
                if leaf is not None and not (isinstance(array, _ROWS) and array.shape):
                    raise DatasetError(
                        f"a {type(leaf).__name__} has no rows; give batches of arrays, or structures of them"
                    )
                leaves.append(array)
        return leaves

    def _check(self, leaves: list[Any]) -> None:
        """Refuse a batch whose rows are others than those of the first one, or differ in number."""
        counts = {leaf.shape[0] for leaf in leaves if leaf is not None}
        if len(counts) > 1:
            raise DatasetError(f"the arrays of this batch have {sorted(counts)} rows; give equally many of each")
        for leaf, label, first in zip(leaves, self.labels, self.block_specs, strict=True):
            found, wanted = _rows_of(leaf), _rows_of(first)
            if found != wanted:
                raise DatasetError(
                    f"{label} has rows of {found}, and the first batch had {wanted}; give batches of equal rows, or "
                    "RaggedArrays where their sizes differ"
                )


def _kept(leaf: Any, array: Any) -> Any:
    """Give an array that stays as it is: a generator may fill the same memory anew for each batch; tensors stay."""
    if not isinstance(leaf, _ROWS):
        return array
    if isinstance(array, RaggedArray):
        return RaggedArray(_kept(array.values, array.values), array.row_splits.copy())
    if isinstance(array, SparseArray):
        return SparseArray(array.indices.copy(), array.values.copy(), array.shape)
    return array.copy()


def _rows_of(leaf: Any) -> str:
    if leaf is None:
        return "None"
    if isinstance(leaf, SparseArray):
        return f"sparse {leaf.dtype}"
    return f"{type(leaf).__name__} of {leaf.dtype} {leaf.shape[1:]}"
