"""Columns of some records and of those after them, as the columns of all of them. Where records lie may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..wire.examples import Column, Columns, Kind
from ._example_parts import DTYPES, spread

T = TypeVar("T", np.int64, np.uint8)


def joined_columns(parts: list[Columns]) -> Columns | None:
    """Put the columns of several parts together, and let go of each part's once that is done; None if kinds differ.

    A column that one part alone has keeps its memory.
    """
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(part.rows for part in parts)], dtype=np.int64)
    found = Columns(int(starts[-1]), {}, {})
    for in_list in (False, True):
        several = [part.lists if in_list else part.features for part in parts]
        for name in dict.fromkeys(name for one in several for name in one):
            kinds = {column.kind for one in several if (column := one.get(name)) is not None and column.kind}
            if len(kinds) > 1:
                return None
            columns = [one.pop(name, None) for one in several]
            (found.lists if in_list else found.features)[name] = _joined(columns, starts, next(iter(kinds), None))
    return found


def _joined(parts: Sequence[Column | None], starts: NDArray[np.int64], kind: Kind | None) -> Column:
    rows = int(starts[-1])
    having = [(column, start) for column, start in zip(parts, starts.tolist(), strict=False) if column is not None]
    columns = [column for column, _ in having]
    count = sum(column.count for column in columns)
    present = None
    if count < rows:
        present = _concatenated([_present(column) + start for column, start in having])
    steps, unset, entries = None, np.empty(0, np.int64), [column.count for column in columns]
    if columns[0].steps is not None:
        steps = _alike(
            [
                (column.steps or 0, column.count)
                if isinstance(column.steps, int | None)
                else (column.steps, column.count)
                for column in columns
            ]
        )
        entries = [_total(column) for column in columns]
        bases = np.cumsum([0, *entries], dtype=np.int64).tolist()
        unset = _concatenated([column.unset + base for column, base in zip(columns, bases, strict=False)])
    lengths = _alike([(column.lengths, number) for column, number in zip(columns, entries, strict=True)])
    of_kind = [column for column in columns if column.kind is not None]
    values = [column.values for column in of_kind if len(column.values)]
    ends = None
    if kind == "bytes":
        bases = np.cumsum([0, *(len(column.values) for column in of_kind)], dtype=np.int64).tolist()
        each = [column.ends[1:] + base for column, base in zip(of_kind, bases, strict=False) if column.ends is not None]
        ends = _concatenated([np.zeros(1, np.int64), *each])
    dtype = np.dtype(np.uint8) if kind in (None, "bytes") else DTYPES[kind]
    whole = values[0] if len(values) == 1 else np.concatenate([np.empty(0, dtype), *values])
    return Column(kind, rows, count, present, whole, ends, lengths, steps, unset)


def _present(column: Column) -> NDArray[np.int64]:
    return np.arange(column.count, dtype=np.int64) if column.present is None else column.present


def _total(column: Column) -> int:
    """Count the steps of all rows."""
    steps = column.steps
    return steps * column.count if isinstance(steps, int) else int(steps.sum()) if steps is not None else 0


def _alike(parts: Sequence[tuple[NDArray[np.int64] | int, int]]) -> NDArray[np.int64] | int:
    """Join lengths, each with how many they are, into one number where all are the same."""
    some = [(each, count) for each, count in parts if count]
    known = {each if isinstance(each, int) else None for each, _ in some}
    if len(known) <= 1 and None not in known:
        return next(iter(known), 0) or 0
    return _concatenated([spread(each, count) for each, count in some])


def _concatenated(arrays: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *arrays])
