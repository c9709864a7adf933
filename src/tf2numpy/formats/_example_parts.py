"""The plain arrays that a column of records becomes: dense, or ragged with row_splits. Where records lie may not enter.

What decides is how many values the rows have, and nothing is invented: a column is dense if all rows have it and hold
as many values; of one value a row it has no further axis. Otherwise it is ragged. `missing` says which rows lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._ragged import RaggedArray
from ..wire.examples import Column, Columns, Kind

Arrays: TypeAlias = dict[str, NDArray[Any]]
# Says which record a row is, for messages.
Where: TypeAlias = Callable[[int], str]

DTYPES: dict[Kind, np.dtype[Any]] = {
    "bytes": np.dtype(object),
    "float": np.dtype(np.float32),
    "int64": np.dtype(np.int64),
}
ROWS, STEPS, VALUES = range(3)  # what the entries of a part are counted by
SPLITS = np.dtype(np.int64)


class Part(NamedTuple):
    """One plain array of a column.

    name: beside the column's. along: ROWS, STEPS or VALUES. inner: the sizes of its further axes. cuts: of row_splits,
    the part that they cut; they have one entry more, and count on from one piece to the next.
    """

    name: str
    along: int
    dtype: np.dtype[Any]
    inner: tuple[int, ...] = ()
    cuts: str = ""


@dataclass(frozen=True)
class Layout:
    """How one column of records becomes arrays.

    feature, in_list: where it is in the records. name: of its arrays. ragged: how many axes are. inner: the sizes of
    the others. has_missing: whether rows lack it; has_unset: whether steps of a feature list have no kind.
    """

    name: str
    feature: bytes
    in_list: bool
    kind: Kind
    ragged: int
    inner: tuple[int, ...]
    has_missing: bool = False
    has_unset: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """The arrays, row_splits after the values they cut."""
        dtype = DTYPES[self.kind]
        if self.ragged == 0:
            found = [Part("", ROWS, dtype, self.inner)]
        elif self.ragged == 1:
            along = STEPS if self.in_list else VALUES
            found = [Part("values", along, dtype, self.inner), Part("row_splits", ROWS, SPLITS, cuts="values")]
        else:
            found = [
                Part("values/values", VALUES, dtype, self.inner),
                Part("values/row_splits", STEPS, SPLITS, cuts="values/values"),
                Part("row_splits", ROWS, SPLITS, cuts="values/row_splits"),
            ]
        if self.has_unset:
            found.append(Part("values/missing", STEPS, np.dtype(bool)))
        if self.has_missing:
            found.append(Part("missing", ROWS, np.dtype(bool)))
        return tuple(found)

    def column(self, columns: Columns) -> Column | None:
        """Find the column among those of some records."""
        return (columns.lists if self.in_list else columns.features).get(self.feature)

    def split(self, column: Column | None, rows: int, where: Where) -> Arrays:
        """Give the arrays of some records, row_splits from 0 on; values of fixed size are the column's own memory.

        column: None where none of the records has it.
        """
        if column is None or column.kind is None:
            column = empty_column(self.kind, rows, column, in_list=self.in_list)
        values: NDArray[Any] = column.strings() if self.kind == "bytes" else column.values
        if self.ragged == 0:
            found = {"": values.reshape(rows, *self.inner)}
        elif not self.in_list:
            found = {"values": values, "row_splits": splits_of(column.of_rows(column.lengths))}
        else:
            assert column.steps is not None
            outer = splits_of(column.of_rows(column.steps))
            if self.ragged == 1:
                found = {"values": values.reshape(int(outer[-1]), *self.inner), "row_splits": outer}
            else:
                lengths = spread(column.lengths, int(outer[-1]))
                found = {"values/values": values, "values/row_splits": splits_of(lengths), "row_splits": outer}
        if self.has_unset:
            found["values/missing"] = np.zeros(int(outer[-1]), np.bool_)
            found["values/missing"][column.unset] = True
        if self.has_missing:
            found["missing"] = column.missing()
        return found


def build(parts: tuple[Part, ...], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Put the arrays of one column together: by "" the array or RaggedArray, and what is beside it."""
    found: dict[str, Any] = {}
    levels = [part.name for part in parts if part.cuts]
    for part in parts:
        if part.cuts:
            continue
        if part.name.endswith("missing"):
            found[part.name] = arrays[part.name]
            continue
        whole: Any = arrays[part.name]
        for level in levels:
            whole = RaggedArray(whole, arrays[level])
        found[""] = whole
    return found


def splits_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the bounds of rows of such lengths, from 0 on."""
    found = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=found[1:])
    return found


def spread(lengths: NDArray[np.int64] | int, count: int) -> NDArray[np.int64]:
    """Give lengths one by one, where all may be one number."""
    return np.full(count, lengths, np.int64) if isinstance(lengths, int) else lengths


def empty_column(kind: Kind, rows: int, column: Column | None, *, in_list: bool) -> Column:
    """Give a column of records of which none has values, in the kind that others have."""
    nothing = np.empty(0, np.int64)
    count, present, lengths = 0, None, 0
    steps: NDArray[np.int64] | int | None = 0 if in_list else None
    unset = nothing
    if column is not None:
        count, present, lengths, steps, unset = column.count, column.present, 0, column.steps, column.unset
    return Column(
        kind,
        rows,
        count,
        present,
        np.empty(0, np.uint8 if kind == "bytes" else DTYPES[kind]),
        np.zeros(1, np.int64) if kind == "bytes" else None,
        lengths,
        steps,
        unset,
    )
