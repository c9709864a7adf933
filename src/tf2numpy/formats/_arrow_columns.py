"""The columns of a table as named arrays, and why some are left out. Which file the table is in may not enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._errors import FormatError
from .._protocols import ArraySource
from .._tables import level_name
from .._types import joined
from ..layouts.arrow_types import LONE_NAME, noted
from ._arrow_file import finding_damage
from ._arrow_pieces import Column, Table
from ._arrow_sources import Missing, Splits, Texts, Values
from ._arrow_types import Kind, kind_of

# Tells of a column whether nothing can be missing in it, as far as that is known without reading it.
HasNone = Callable[[int], bool]


def arrays_of(pa: Any, table: Table, schema: Any, has_none: HasNone) -> tuple[dict[str, ArraySource], dict[str, str]]:
    """Give the arrays by name, and what is left out with the reasons.

    Raises: FormatError for metadata that tells something else than the types, and for two arrays of one name.
    """
    arrays: dict[str, ArraySource] = {}
    left_out: dict[str, str] = {}
    with finding_damage(f"the schema of {table.shown}"):
        called = list(schema.names)
    times = Counter(called)
    for number, field in enumerate(schema):
        with finding_damage(f"the column {called[number]!r} of {table.shown}"):
            told = noted(field.metadata)
            kind = kind_of(pa, field, told)
            name = called[number] if told.name is None else told.name
            if isinstance(kind, str) or times[called[number]] > 1:
                left_out[name] = kind if isinstance(kind, str) else "several columns of one name"
                continue
            column = Column(pa, table, number, called[number], len(kind.nullable) - 1)
            missing = [level in told.missing for level in range(column.depth + 1)]
            if not told.missing and any(kind.nullable) and not has_none(number):
                missing = column.are_missing() if column.depth else [True]
            found = dict(_named(name, column, kind, told.splits, missing))
            if arrays.keys() & found.keys():
                raise FormatError(f"another array is called {min(arrays.keys() & found.keys())!r} already")
            arrays.update(found)
    return arrays, left_out


def _named(
    name: str, column: Column, kind: Kind, dtypes: tuple[str, ...], missing: list[bool]
) -> Iterator[tuple[str, ArraySource]]:
    for level in range(column.depth):
        dtype = np.dtype(dtypes[level] if level < len(dtypes) else np.int64)
        inside = level_name(name, level)
        yield joined(inside, "row_splits"), Splits(column, level, dtype, missing=missing[level])
        if missing[level]:
            yield joined(inside, "missing"), Missing(column, level)
    inside = level_name(name, column.depth)
    values = Texts if kind.dtype.hasobject and 0 not in kind.shape else Values
    yield inside or LONE_NAME, values(column, kind, missing=missing[-1])
    if missing[-1]:
        yield joined(inside, "missing"), Missing(column, column.depth)
