"""A tf.data dataset as blocks of rows: whether it is batched already, how many rows it has, how to read them.

Only transformations of the dataset are known here; what becomes of its elements may not enter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .. import _dtypes
from .._errors import DatasetError
from .._lazy import tensorflow

# Where the size of a row is not known it is guessed, high rather than low: a block must share Python's price, but a
# few scenes of 100 MB must not fill the memory.
_GUESSED_AXIS = 512
_GUESSED_STRING_BYTES = 1 << 10
_GUESSED_BLOCK_BYTES = 2 << 20
_MOST_ROWS_OF_UNKNOWN_SIZE = 32
_MOST_ROWS = 1 << 16

_BATCHES = {
    "_BatchDataset",
    "_ParallelBatchDataset",
    "_PaddedBatchDataset",
    "_MapAndBatchDataset",
    "_DenseToSparseBatchDataset",
    "_RebatchDataset",
    "_LegacyRebatchDataset",
}
# Their elements are made anew from the rows: a batch before them says nothing about the elements after.
_REGROUPS = {
    "_UnbatchDataset",
    "_FlatMapDataset",
    "_InterleaveDataset",
    "_ParallelInterleaveDataset",
    "_WindowDataset",
    "_GroupByWindowDataset",
    "_GroupByReducerDataset",
}
# As many elements come out as went in.
_KEEP_COUNT = {
    "_MapDataset",
    "_ParallelMapDataset",
    "_PrefetchDataset",
    "_OptionsDataset",
    "_ShuffleDataset",
    "CacheDataset",
}


class Rows:
    """A dataset seen as rows: those of its batches if it is batched, else its elements.

    count: how many rows there are, as the dataset says (it may be wrong); None if it does not know.
    """

    def __init__(self, x: Any) -> None:
        tf = tensorflow()
        cardinality = int(x.cardinality())
        if cardinality == tf.data.INFINITE_CARDINALITY:
            raise DatasetError(
                "the dataset never ends; take what you want of it first, dataset.take(n), or leave out repeat()"
            )
        self._dataset, self._batches = x, batches_behind(x)
        self._kernels = all(_has_kernels(spec) for spec in tf.nest.flatten(x.element_spec))
        if not self._batches:
            self.count = None if cardinality < 0 else cardinality
        elif len(self._batches) == 1:
            self.count = _rows_of_batches(x, self._batches[0], cardinality)
        else:
            self.count = None

    @property
    def are_batched(self) -> bool:
        """Whether the dataset's elements are batches of rows."""
        return bool(self._batches)

    def block_spec(self) -> Any:
        """Give the element_spec of a block of rows: every leaf with its row axis first."""
        return (self._dataset if self._batches else _batched(self._dataset, 1)).element_spec

    def blocks(self, row_bytes: int | None, block_bytes: int, skip: int = 0) -> Iterator[Any]:
        """Give blocks of rows of at most block_bytes; rows of unknown size come a few at a time.

        skip: blocks to leave out at the beginning.
        TensorFlow can neither batch nor slice float8, int4 and their kin: those come as they are batched, or singly.
        """
        if not self._kernels and not self._batches:
            return map(_one_row, self._dataset.skip(skip) if skip else self._dataset)
        blocks = self._in_blocks(row_bytes, block_bytes)
        return iter(blocks.skip(skip) if skip else blocks)

    def _in_blocks(self, row_bytes: int | None, block_bytes: int) -> Any:
        if not self._kernels:
            return self._dataset
        if row_bytes is None:
            return self._dataset if self._batches else _batched(self._dataset, self._rows_of_unknown_size())
        rows = max(1, min(_MOST_ROWS, block_bytes // max(1, row_bytes)))
        if not self._batches:
            return _batched(self._dataset, rows)
        sizes = {_batch_size(batch) for batch in self._batches}
        handy = all(size is not None and rows // 8 <= size <= rows for size in sizes)
        # TensorFlow cannot rebatch leaves whose batches differ in size, as a zip of two batch sizes gives.
        return self._dataset if handy or len(sizes) > 1 else self._dataset.rebatch(rows)

    def _rows_of_unknown_size(self) -> int:
        guess = sum(map(_guessed_bytes, tensorflow().nest.flatten(self._dataset.element_spec)))
        return max(1, min(_MOST_ROWS_OF_UNKNOWN_SIZE, _GUESSED_BLOCK_BYTES // max(1, guess)))


def batches_behind(x: Any) -> list[Any]:
    """Find the batch transformations whose batches are the dataset's elements; none if those are single rows.

    They are the nearest ones upstream, one on every branch, and the elements must still have their row axis: a map
    that made one number of each batch made rows of the batches.
    """
    batches = _nearest_batches(x)
    rows = {_row_axis(spec) for batch in batches for spec in tensorflow().nest.flatten(batch.element_spec)} - {()}
    leaves = {_row_axis(spec) for spec in tensorflow().nest.flatten(x.element_spec)} - {()}
    either = {(None,)} if len(rows) > 1 else set()  # what branches of different batch sizes come to together
    return batches if leaves and leaves <= rows | either else []


def _nearest_batches(x: Any) -> list[Any]:
    name = type(x).__name__
    if name in _BATCHES:
        return [x]
    if name in _REGROUPS or not hasattr(x, "_inputs"):
        return []
    sources = x._inputs()
    if name == "_DirectedInterleaveDataset":  # the first says which of the others comes next
        sources = sources[1:]
    found = [_nearest_batches(source) for source in sources]
    return [batch for branch in found for batch in branch] if all(found) else []


def _row_axis(spec: Any) -> tuple[int | None, ...]:
    """The first axis of a leaf; () for None leaves, (-1,) where there is no such axis."""
    if type(spec).__name__ == "NoneTensorSpec":
        return ()
    shape = getattr(spec, "shape", None)
    if shape is None or not shape.rank:
        return (-1,)
    return (shape[0],)


def _rows_of_batches(x: Any, batch: Any, batches: int) -> int | None:
    """Count the rows of a batched dataset where each step from the batch on keeps the number of batches."""
    first = _row_axis(tensorflow().nest.flatten(batch.element_spec)[0])
    if first not in ((), (None,), (-1,)):
        return batches * int(first[0] or 0) if batches >= 0 else None  # drop_remainder: all batches are full
    while x is not batch:
        if type(x).__name__ not in _KEEP_COUNT:
            return None
        (x,) = x._inputs()
    if "Rebatch" in type(batch).__name__:
        return None
    rows = math.prod(int(source.cardinality()) for source in batch._inputs())
    return rows if rows >= 0 else None


def _batch_size(batch: Any) -> int | None:
    size = getattr(batch, "_batch_size", None)
    constant = None if size is None else tensorflow().get_static_value(size)
    return None if constant is None else int(constant)


def _has_kernels(spec: Any) -> bool:
    dtype = getattr(spec, "dtype", None)
    return dtype is None or dtype.name not in _dtypes.UNSLICEABLE


def _guessed_bytes(spec: Any) -> int:
    """Guess the bytes of a leaf of one element."""
    tf = tensorflow()
    if type(spec).__name__ == "NoneTensorSpec":
        return 0
    size = _GUESSED_STRING_BYTES if spec.dtype == tf.string else spec.dtype.size
    if isinstance(spec, tf.SparseTensorSpec):
        return int(size + 8 * spec.shape.rank) * _GUESSED_AXIS
    return int(size) * math.prod(_GUESSED_AXIS if n is None else n for n in spec.shape)


def _one_row(element: Any) -> Any:
    tf = tensorflow()

    def expanded(leaf: Any) -> Any:
        if leaf is None:
            return None
        return tf.sparse.expand_dims(leaf, 0) if isinstance(leaf, tf.SparseTensor) else tf.expand_dims(leaf, 0)

    return tf.nest.map_structure(expanded, element)


def _batched(x: Any, rows: int) -> Any:
    """Batch an unbatched dataset: elements of varying shape into ragged batches, the others into dense ones."""
    tf = tensorflow()
    varying = any(
        isinstance(spec, tf.TensorSpec) and not spec.shape.is_fully_defined()
        for spec in tf.nest.flatten(x.element_spec)
    )
    batches = x.ragged_batch(rows) if varying else x.batch(rows)
    if x._inputs():
        return batches
    # Of a lone source there is nothing to optimise, and TensorFlow would take 200 ms to hash 250 MB of its tensors.
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)
