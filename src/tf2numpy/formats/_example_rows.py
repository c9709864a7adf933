"""Some rows of columns that were decoded together, without decoding them again. What columns become may not enter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire.examples import Column, Columns
from ._example_parts import splits_of, spread


def some_rows(columns: Columns, start: int, stop: int) -> Columns:
    """Give the rows from start to stop; values are views."""
    features = {name: _part(column, start, stop) for name, column in columns.features.items()}
    lists = {name: _part(column, start, stop) for name, column in columns.lists.items()}
    return Columns(stop - start, features, lists)


def _part(column: Column, start: int, stop: int) -> Column:
    present = np.arange(column.count) if column.present is None else column.present
    low, high = (int(place) for place in np.searchsorted(present, (start, stop)))
    steps, unset, first, last = column.steps, column.unset, low, high
    if steps is not None:
        first, last = _bounds(steps, column.count, low, high)
        unset = column.unset[(column.unset >= first) & (column.unset < last)] - first
        steps = _cut(steps, low, high)
    lengths_count = column.count if column.steps is None else _bounds(column.steps, column.count, 0, column.count)[1]
    low_value, high_value = _bounds(column.lengths, lengths_count, first, last)
    values, ends = column.values, column.ends
    if ends is None:
        values = values[low_value:high_value]
    else:
        values = values[int(ends[low_value]) : int(ends[high_value])]
        ends = ends[low_value : high_value + 1] - ends[low_value]
    return replace(
        column,
        rows=stop - start,
        count=high - low,
        present=present[low:high] - start,
        values=values,
        ends=ends,
        lengths=_cut(column.lengths, first, last),
        steps=steps,
        unset=unset,
    )


def _cut(each: NDArray[np.int64] | int, low: int, high: int) -> Any:
    return each if isinstance(each, int) else each[low:high]


def _bounds(each: NDArray[np.int64] | int, count: int, low: int, high: int) -> tuple[int, int]:
    """Say where what the entries from low to high have begins and ends."""
    ends = splits_of(spread(each, count))
    return int(ends[low]), int(ends[high])
