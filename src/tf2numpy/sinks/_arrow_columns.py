"""The columns of one table: what of them Arrow can hold, and what becomes of their rows. Files may not enter.

Numbers stay where they are: an Arrow array is made over the memory of the NumPy array wherever the two agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._host import c_order
from .._tables import TableColumn
from .._types import ArraySpec, Index
from ..layouts.arrow_types import LONE_NAME, Noted, encoding, leaf_type, name_in_full, type_of
from ..layouts.refusals import refuse_objects
from ._waiting import Waiting


class ArrowColumn:
    """One column. field: Arrow's, with what the type does not tell in its metadata."""

    def __init__(self, pa: Any, column: TableColumn, specs: Mapping[str, ArraySpec], *, lists_missing: bool) -> None:
        """lists_missing: values of fixed size are lists like ragged ones where some of them may be missing."""
        self._pa, self._column = pa, column
        spec = specs[column.values]
        found = encoding(spec.dtype)
        assert found is not None
        self._encoding, self._shape = found, tuple(n or 0 for n in spec.shape[1:])
        size = math.prod((*self._shape, *found.tail))
        self._listed = size if lists_missing and column.missing[-1] and (*self._shape, *found.tail) else 0
        self._leaf = leaf_type(pa, found, self._shape, listed=bool(self._listed))
        self._waiting = {name: Waiting(specs[name]) for name in column.arrays}
        self._types = [self._leaf]  # of each level, the innermost first
        for missing in column.missing[:0:-1]:
            self._types.append(pa.large_list(pa.field("element", self._types[-1], nullable=bool(missing))))
        told = Noted(
            name_in_full(spec.dtype) if 0 in self._shape else found.recorded,
            self._shape,
            self._listed,
            tuple(specs[name].dtype.name for name in column.splits),
            tuple(level for level, name in enumerate(column.missing) if name),
            None if column.name else "",
        )
        self.field = pa.field(
            column.name or LONE_NAME, self._types[-1], nullable=bool(column.missing[0]), metadata=told.metadata()
        )

    def rows_of(self, name: str) -> int:
        """Say how many rows of an array have come."""
        return self._waiting[name].stop

    @property
    def rows(self) -> int:
        """Say how many rows of the column have begun."""
        splits = self._column.splits
        return max(0, self.rows_of(splits[0]) - 1) if splits else self.rows_of(self._column.values)

    def put(self, name: str, value: NDArray[Any], index: Index) -> None:
        """Take the next rows of an array.

        Raises: FormatError for strings that are not bytes.
        """
        if value.dtype == object and not all(isinstance(element, bytes) for element in value.flat):
            refuse_objects(name, index, value)
        self._waiting[name].put(value)

    def ready(self) -> int:
        """Count the rows that wait and are whole."""
        return self._ready(0)

    def take(self, rows: int) -> Any:
        """Give the first rows that wait as an Arrow array.

        Raises: FormatError for row_splits that cut no rows, text that is none, and values that are said to be missing.
        """
        return self._taken(0, rows)

    def left(self) -> str:
        """Say what waits and can never be whole; nothing where nothing does."""
        for name, waiting in self._waiting.items():
            if waiting.count > (name in self._column.splits and waiting.stop > 0):
                return f"{name!r} has {waiting.stop} rows"
        return ""

    def _ready(self, level: int) -> int:
        column = self._column
        missing = column.missing[level]
        most = self._waiting[missing].count if missing else None
        if level == len(column.splits):
            count = self._waiting[column.values].count
        else:
            splits = self._waiting[column.splits[level]].peek()
            inside = self._ready(level + 1)
            count = int(np.searchsorted(splits, splits[0] + inside, side="right")) - 1 if len(splits) else 0
        return count if most is None else min(count, most)

    def _taken(self, level: int, rows: int) -> Any:
        pa, column = self._pa, self._column
        name = column.missing[level]
        missing = self._waiting[name].take(rows) if name else None
        if missing is not None and not missing.any():
            missing = None
        if level == len(column.splits):
            return self._leaves(self._waiting[column.values].take(rows), missing)
        name = column.splits[level]
        splits = self._waiting[name].take(rows, also=1).astype(np.int64, copy=False)
        lengths = np.diff(splits)
        if (lengths < 0).any():
            raise FormatError(f"{name!r} falls, and row_splits never do")
        if missing is not None and lengths[missing].any():
            raise self._hidden(level)
        if not len(splits):  # none came
            splits = np.zeros(1, np.int64)
        offsets = splits - splits[0] if splits[0] else splits
        child = self._taken(level + 1, int(offsets[-1]))
        buffers = [_validity(pa, missing), pa.py_buffer(offsets)]
        return pa.Array.from_buffers(self._types[-1 - level], rows, buffers, children=[child])

    def _leaves(self, values: NDArray[Any], missing: NDArray[Any] | None) -> Any:
        """Make an Arrow array of the innermost values."""
        if missing is not None and _is_there(values[missing]):
            raise self._hidden(len(self._column.splits))
        pa, kind = self._pa, self._leaf
        if 0 in self._shape:
            return pa.array(np.zeros(len(values), bool), mask=missing)
        if not (*self._shape, *self._encoding.tail):
            return self._single(values, missing)
        if self._listed:
            return self._lists(values, missing)
        lists = getattr(kind, "storage_type", kind)
        child = self._single(values.reshape(-1), None)
        made = pa.Array.from_buffers(lists, len(values), [_validity(pa, missing)], children=[child])
        return made if lists is kind else pa.ExtensionArray.from_storage(kind, made)

    def _lists(self, values: NDArray[Any], missing: NDArray[Any] | None) -> Any:
        """Make a list of each value that is there, and a null of each other one."""
        pa = self._pa
        there = np.ones(len(values), bool) if missing is None else ~missing
        offsets = np.zeros(len(values) + 1, np.int64)
        np.cumsum(there * self._listed, out=offsets[1:])
        child = self._single((values if missing is None else values[there]).reshape(-1), None)
        buffers = [_validity(pa, missing), pa.py_buffer(offsets)]
        return pa.Array.from_buffers(self._leaf, len(values), buffers, children=[child])

    def _single(self, values: NDArray[Any], missing: NDArray[Any] | None) -> Any:
        """Make an Arrow array of values without an axis of their own."""
        pa, found = self._pa, self._encoding
        kind = type_of(pa, found.type)
        if found.stored is not None and found.type != "bool":
            count = len(values) * math.prod(found.tail)
            return pa.Array.from_buffers(kind, count, [_validity(pa, missing), self._buffer(values)])
        try:  # bits and strings, which Arrow holds in another way than NumPy
            return pa.array(values.astype(object) if values.dtype.kind in "UT" else values, type=kind, mask=missing)
        except UnicodeError as error:
            raise FormatError(
                f"array {self._column.values!r}: its text is no valid Unicode, which that of a table has to be; encode "
                "it to bytes first"
            ) from error

    def _buffer(self, values: NDArray[Any]) -> Any:
        """Give the bytes as Arrow has them, without a copy where NumPy has them so."""
        if values.dtype.byteorder == ">":
            values = values.astype(values.dtype.newbyteorder("<"))
        values = c_order(values)
        flat = (values if values.flags.aligned else values.copy()).reshape(-1)
        return self._pa.py_buffer(flat.view(np.uint8))

    def _hidden(self, level: int) -> FormatError:
        name = self._column.values if level == len(self._column.splits) else self._column.splits[level]
        return FormatError(
            f"{name!r} has values in rows that {self._column.missing[level]!r} says have none, and a table could not "
            "keep them; set them to 0 or make them empty, or rename one of the two arrays"
        )


def _validity(pa: Any, missing: NDArray[Any] | None) -> Any:
    return None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))


def _is_there(values: NDArray[Any]) -> bool:
    """Tell whether any value is another than what stands for none: zero bits, b"", no time."""
    if values.dtype.hasobject or values.dtype.kind in "UT":
        return any(map(len, values.flat))
    if values.dtype.kind in "Mm":
        return not bool(np.isnat(values).all())
    return bool(c_order(values).reshape(-1).view(np.uint8).any())
