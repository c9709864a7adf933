"""Rows that come in blocks of some structure, as flat arrays or as pieces of that structure. Where they come from may
not enter.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import optree
from numpy.typing import NDArray

from .. import _dtypes, _spans
from .._errors import DatasetError, at_leaf
from .._lazy import tensorflow
from .._protocols import RowSource, State
from .._ragged import RaggedArray
from .._sparse import SparseArray
from .._types import ArraySpec, Chunk, joined
from ._columns import Column, DenseColumn, NoneColumn, RaggedColumn, SparseColumn
from .nested import entry_name


class BlockRows(RowSource):
    """Rows whose blocks a subclass gives.

    treespec: the structure of a row. row_bytes: bytes of one; None where an axis or an element has no known size.
    element: what a row is called in messages; labels: what each leaf is. block_specs: TensorFlow's spec of each leaf.
    """

    element: str

    def __init__(self, block_spec: Any, rows: int | None) -> None:
        """block_spec: the structure of a block, of TensorFlow's specs, row axis first; rows: their number, if known.

        Raises: DatasetError for what cannot be stacked, and for two arrays of one name.
        """
        self._count = rows
        accessors, self.block_specs, self.treespec = optree.tree_flatten_with_accessor(block_spec, none_is_leaf=True)
        self._names = ["/".join(map(entry_name, accessor)) for accessor in accessors]
        self.labels = [accessor.codify(self.element) for accessor in accessors]
        columns = [column.specs() for column in self._columns()]
        self.row_bytes = _row_bytes(columns)
        _check_names([joined(n, part) for n, parts in zip(self._names, columns, strict=True) for part in parts])

    @abstractmethod
    def blocks(self, block_bytes: int, skip: int, done: int) -> Iterator[list[Any]]:
        """Give the leaves of each block: arrays, RaggedArrays, SparseArrays, None.

        block_bytes: how large a block may be, where the subclass has a say in it. skip: blocks to leave out at the
        beginning; done: the rows in them.
        """

    def specs(self) -> Mapping[str, ArraySpec]:
        """Describe the flat arrays of all rows."""
        return {
            joined(name, part): spec
            for name, column in zip(self._names, self._columns(), strict=True)
            for part, spec in column.specs().items()
        }

    def chunks(self, max_bytes: int, after: State | None = None) -> Iterator[tuple[list[Chunk], State]]:
        """Give the rows that each block adds to each flat array."""
        columns, ends = self._columns(), dict[str, int]()
        blocks = rows = 0
        if after is not None:
            ends, blocks, rows = dict(after["ends"]), after["blocks"], after["rows"]
            for column, state in zip(columns, after["columns"], strict=True):
                column.restore(state)
            if after["whole"]:
                return

        def now(whole: bool) -> State:
            states = [column.state() for column in columns]
            return {"blocks": blocks, "rows": rows, "ends": dict(ends), "columns": states, "whole": whole}

        for leaves in self.blocks(max_bytes // 2, blocks, rows):
            parts = [column.split(leaf) for column, leaf in zip(columns, leaves, strict=True)]
            blocks, rows = blocks + 1, rows + rows_in(leaves)
            del leaves  # TensorFlow's block lives as long as a part of it
            yield _appended(self._names, parts, ends), now(False)
            del parts
        yield _appended(self._names, [column.last() for column in columns], ends), now(True)

    def pieces(self, max_bytes: int) -> Iterator[Chunk]:
        """Give rows as the structure of one, leaves stacked; independent arrays.

        Raises: InvalidArgument for a row that alone is too large.
        """
        room = max_bytes // 4  # the caller's last piece, TensorFlow's block, our copy of it
        if self.row_bytes is not None and self.row_bytes > room:
            raise _spans.too_large(f"one {self.element}", self.row_bytes, room)
        columns, done = self._columns(), 0
        for leaves in self.blocks(room, 0, 0):
            rows = rows_in(leaves)
            costs = np.zeros(rows, np.int64)
            for column, leaf in zip(columns, leaves, strict=True):
                costs += column.row_bytes(leaf)
            for start, stop, nbytes in _spans.row_spans(rows, partial(_part, costs), room):
                if nbytes > room:
                    raise _spans.too_large(f"{self.element} {done + start}", nbytes, room)
                yield Chunk("", (slice(done + start, done + stop),), self._piece(leaves, start, stop))
            done += rows

    def distrust(self) -> None:
        """Rely no longer on the number of rows that was stated."""
        self._count = None

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """Put the structure of one row together from the flat arrays of all rows."""
        values = []
        for name, column in zip(self._names, self._columns(), strict=True):
            values.append(column.build({part: arrays[joined(name, part)] for part in column.specs()}))
        return self.treespec.unflatten(values)

    def _piece(self, leaves: list[Any], start: int, stop: int) -> Any:
        values = []
        for column, leaf in zip(self._columns(), leaves, strict=True):  # fresh ones: each counts from its first row
            added = column.split(column.rows(leaf, start, stop))
            values.append(column.build({name: np.array(array) for name, array in {**added, **column.last()}.items()}))
        return self.treespec.unflatten(values)

    def _columns(self) -> list[Column]:
        columns = []
        for label, spec in zip(self.labels, self.block_specs, strict=True):
            with at_leaf(label):
                columns.append(_column(spec, self._count))
        return columns


def rows_in(leaves: list[Any]) -> int:
    """Count the rows of a block."""
    return next((int(leaf.shape[0]) for leaf in leaves if leaf is not None), 0)


def _column(spec: Any, rows: int | None) -> Column:
    """Choose what a leaf of a block becomes; `spec` is TensorFlow's of the whole block, or one block itself."""
    if spec is None:
        return NoneColumn()
    if isinstance(spec, np.ndarray):
        return DenseColumn(ArraySpec((rows, *spec.shape[1:]), spec.dtype))
    if isinstance(spec, RaggedArray):
        return RaggedColumn(rows, spec.ragged_rank, ArraySpec((None, *spec.flat_values.shape[1:]), spec.dtype))
    if isinstance(spec, SparseArray):
        return SparseColumn((None, *(spec.shape or (0,))[1:]), spec.dtype)
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


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(f"two arrays of the elements would have the name {name!r}; rename one of the keys")


def _row_bytes(columns: list[dict[str, ArraySpec]]) -> int | None:
    specs = [spec for column in columns for spec in column.values()]
    fixed = all(len(column) == 1 or not column for column in columns)
    if not fixed or any(spec.dtype.hasobject for spec in specs):
        return None
    return sum(spec.row_nbytes for spec in specs)


def _appended(names: list[str], parts: list[dict[str, NDArray[Any]]], ends: dict[str, int]) -> list[Chunk]:
    """Put the parts that a block adds behind what came before; ends: the rows of each array so far."""
    chunks = []
    for name, added in zip(names, parts, strict=True):
        for part, array in added.items():
            full = joined(name, part)
            start = ends.get(full, 0)
            ends[full] = start + len(array)
            chunks.append(Chunk(full, (slice(start, start + len(array)),), array))
    return chunks


def _part(array: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
    return array[start:stop]
