"""tf.data datasets: rows in blocks, so that no element pays Python's price. How rows are stored may not enter.

A dataset is read as it is batched: an unbatched one gets a batch transformation of our own, a batched one is cut
into handier batches where its shapes allow. What its elements become follows from `element_spec` alone, never
from the data: an axis of unknown size is a ragged axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import optree

from .. import _dtypes
from .._errors import DatasetError, Tf2NumpyError, at_leaf
from .._lazy import tensorflow
from .._protocols import Resolve
from .._sources import gather
from .._types import Request
from . import _batching
from ._block_rows import BlockRows, rows_in
from .symbolic import refuse_in_graph


def dataset(x: Any, resolve: Resolve) -> DatasetSource:
    """Give the rows of a dataset.

    Raises: DatasetError for an infinite one, for nested datasets and other elements that cannot be stacked;
    SymbolicTensorError inside a graph.
    """
    if not tensorflow().executing_eagerly():
        refuse_in_graph("a dataset")
    return DatasetSource(x, resolve)


class DatasetSource(BlockRows):
    """The rows of a dataset; each pass iterates it once more."""

    kind, device = "dataset", "host (tf.data)"
    element = "element"

    def __init__(self, x: Any, resolve: Resolve) -> None:
        self._resolve = resolve
        for accessor, spec in zip(
            *optree.tree_flatten_with_accessor(x.element_spec, none_is_leaf=True)[:2], strict=True
        ):
            with at_leaf(accessor.codify(self.element)):
                _check_element(spec)
        self._rows = _batching.Rows(x)
        super().__init__(self._rows.block_spec(), self._rows.count)

    def blocks(self, block_bytes: int, skip: int, done: int) -> Iterator[list[Any]]:
        """Give the leaves of each block as views and containers over TensorFlow's own memory; tf.data skips."""
        view = Request(copy=None)
        try:
            for block in self._rows.blocks(self.row_bytes, block_bytes, skip):
                leaves = [gather(self._resolve(leaf), view) for leaf in self.treespec.flatten_up_to(block)]
                yield leaves
                done += rows_in(leaves)
        except Tf2NumpyError:
            raise
        except Exception as error:
            error.add_note(f"while reading the dataset, after {done} rows")
            raise


def _check_element(spec: Any) -> None:
    """Refuse elements that cannot be stacked, whatever their batching.

    Raises: DatasetError saying what the elements are and what to map them to.
    """
    tf = tensorflow()
    if isinstance(spec, tf.data.DatasetSpec):
        raise DatasetError(
            "elements that are datasets themselves (window, group_by_window) cannot be stacked; flatten them first: "
            "dataset.flat_map(lambda w: w.batch(n, drop_remainder=True))"
        )
    if type(spec).__name__ == "NoneTensorSpec":
        return
    if not isinstance(spec, tf.TensorSpec | tf.RaggedTensorSpec | tf.SparseTensorSpec):
        raise DatasetError(f"elements of {type(spec).__name__} cannot be stacked; map them to tensors first")
    if _dtypes.from_enum(spec.dtype.as_datatype_enum) is None:
        raise DatasetError(f"elements of {spec.dtype.name} are handles, not arrays; map them to tensors first")
    if spec.shape.rank is None:
        raise DatasetError(
            "elements of unknown rank cannot be stacked; say their shape, with None for an axis that varies: "
            "dataset.map(lambda x: tf.ensure_shape(x, [None, None, 3]))"
        )
