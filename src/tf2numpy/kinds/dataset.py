"""tf.data datasets: rows in blocks, so that no element pays Python's price. How rows are stored may not enter.

A dataset is read as it is batched: an unbatched one gets a batch transformation of our own, a batched one is cut
into handier batches where its shapes allow. What its elements become follows from `element_spec` alone, never
from the data: an axis of unknown size is a ragged axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import optree
from numpy.typing import NDArray

from .. import _dtypes, _spans
from .._errors import DatasetError, Tf2NumpyError, at_leaf
from .._lazy import tensorflow
from .._protocols import Resolve, RowSource
from .._sources import gather
from .._types import ArraySpec, Chunk, Request, joined
from . import _batching
from ._columns import Column, DenseColumn, NoneColumn, RaggedColumn, SparseColumn
from .nested import entry_name
from .symbolic import refuse_in_graph


def dataset(x: Any, resolve: Resolve) -> DatasetSource:
    """Give the rows of a dataset.

    Raises: DatasetError for an infinite one, for nested datasets and other elements that cannot be stacked;
    SymbolicTensorError inside a graph.
    """
    if not tensorflow().executing_eagerly():
        refuse_in_graph("a dataset")
    return DatasetSource(x, resolve)


class DatasetSource(RowSource):
    """The rows of a dataset; each pass iterates it once more."""

    kind, device = "dataset", "host (tf.data)"

    def __init__(self, x: Any, resolve: Resolve) -> None:
        self._resolve = resolve
        for accessor, spec in zip(
            *optree.tree_flatten_with_accessor(x.element_spec, none_is_leaf=True)[:2], strict=True
        ):
            with at_leaf(accessor.codify("element")):
                _check_element(spec)
        self._rows = _batching.Rows(x)
        accessors, specs, self._treespec = optree.tree_flatten_with_accessor(self._rows.block_spec(), none_is_leaf=True)
        self._names = ["/".join(map(entry_name, accessor)) for accessor in accessors]
        self._labels = [accessor.codify("element") for accessor in accessors]
        self._specs = specs
        columns = [column.specs() for column in self._columns()]
        self._row_bytes = _row_bytes(columns)
        _check_names([joined(n, part) for n, parts in zip(self._names, columns, strict=True) for part in parts])

    def specs(self) -> Mapping[str, ArraySpec]:
        """Describe the flat arrays of all rows."""
        return {
            joined(name, part): spec
            for name, column in zip(self._names, self._columns(), strict=True)
            for part, spec in column.specs().items()
        }

    def chunks(self, max_bytes: int) -> Iterator[Chunk]:
        """Give the rows that each block adds to each flat array."""
        columns = self._columns()
        ends: dict[str, int] = {}
        for leaves in self._blocks(max_bytes // 2):
            for name, column, leaf in zip(self._names, columns, leaves, strict=True):
                yield from _appended(name, column.split(leaf), ends)
        for name, column in zip(self._names, columns, strict=True):
            yield from _appended(name, column.last(), ends)

    def pieces(self, max_bytes: int) -> Iterator[Chunk]:
        """Give rows as the structure of one element, leaves stacked; independent arrays.

        Raises: InvalidArgument for an element that alone is too large.
        """
        room = max_bytes // 4  # the caller's last piece, TensorFlow's block, our copy of it
        if self._row_bytes is not None and self._row_bytes > room:
            raise _spans.too_large("one element", self._row_bytes, room)
        columns, done = self._columns(), 0
        for leaves in self._blocks(room):
            rows = _rows_in(leaves)
            costs = np.zeros(rows, np.int64)
            for column, leaf in zip(columns, leaves, strict=True):
                costs += column.row_bytes(leaf)
            for start, stop, nbytes in _spans.row_spans(rows, partial(_part, costs), room):
                if nbytes > room:
                    raise _spans.too_large(f"element {done + start}", nbytes, room)
                yield Chunk("", (slice(done + start, done + stop),), self._piece(leaves, start, stop))
            done += rows

    def forget_count(self) -> None:
        """Rely no longer on the number of rows that the dataset states."""
        self._rows.count = None

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """Put the structure of one element together from the flat arrays of all rows."""
        values = []
        for name, column in zip(self._names, self._columns(), strict=True):
            values.append(column.build({part: arrays[joined(name, part)] for part in column.specs()}))
        return self._treespec.unflatten(values)

    def _piece(self, leaves: list[Any], start: int, stop: int) -> Any:
        values = []
        for column, leaf in zip(self._columns(), leaves, strict=True):  # fresh ones: each counts from its first row
            added = column.split(column.rows(leaf, start, stop))
            values.append(column.build({name: np.array(array) for name, array in {**added, **column.last()}.items()}))
        return self._treespec.unflatten(values)

    def _columns(self) -> list[Column]:
        columns = []
        for label, spec in zip(self._labels, self._specs, strict=True):
            with at_leaf(label):
                columns.append(_column(spec, self._rows.count))
        return columns

    def _blocks(self, block_bytes: int) -> Iterator[list[Any]]:
        """Give the leaves of each block as views and containers over TensorFlow's own memory."""
        done, view = 0, Request(copy=None)
        try:
            for block in self._rows.blocks(self._row_bytes, block_bytes):
                leaves = [gather(self._resolve(leaf), view) for leaf in self._treespec.flatten_up_to(block)]
                yield leaves
                done += _rows_in(leaves)
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


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(f"two arrays of the elements would have the name {name!r}; rename one of the keys")


def _column(spec: Any, rows: int | None) -> Column:
    """Choose what a leaf of a block becomes; `spec` is that of the whole block, row axis first."""
    tf = tensorflow()
    if type(spec).__name__ == "NoneTensorSpec":
        return NoneColumn()
    dtype, shape = _dtypes.from_enum(spec.dtype.as_datatype_enum), tuple(spec.shape)
    assert dtype is not None
    if isinstance(spec, tf.SparseTensorSpec):
        return SparseColumn(shape, dtype)
    rank = getattr(spec, "ragged_rank", 0) or max((i for i, n in enumerate(shape) if n is None), default=0)
    if not rank:
        return DenseColumn(ArraySpec((rows, *shape[1:]), dtype))
    if None in shape[rank + 1 :]:
        raise DatasetError(
            f"ragged elements of shape {shape} have an inner axis of unknown size, which is not ragged; "
            "set its size, or make the elements ragged along it"
        )
    return RaggedColumn(rows, rank, ArraySpec((None, *shape[rank + 1 :]), dtype))


def _row_bytes(columns: list[dict[str, ArraySpec]]) -> int | None:
    """Bytes of one row; None where an axis or an element has no known size."""
    specs = [spec for column in columns for spec in column.values()]
    fixed = all(len(column) == 1 or not column for column in columns)
    if not fixed or any(spec.dtype.hasobject for spec in specs):
        return None
    return sum(spec.row_nbytes for spec in specs)


def _part(array: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
    return array[start:stop]


def _rows_in(leaves: list[Any]) -> int:
    return next((int(leaf.shape[0]) for leaf in leaves if leaf is not None), 0)


def _appended(name: str, added: Mapping[str, NDArray[Any]], ends: dict[str, int]) -> Iterator[Chunk]:
    for part, array in added.items():
        full = joined(name, part)
        start = ends.get(full, 0)
        ends[full] = start + len(array)
        yield Chunk(full, (slice(start, start + len(array)),), array)
