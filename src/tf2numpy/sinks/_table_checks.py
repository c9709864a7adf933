"""Which arrays one table can hold together, and all that it cannot in one error. Only messages may enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._dtypes import is_extended, logical_name, named
from .._errors import FormatError, InvalidArgument
from .._tables import TableColumn, columns_of, sparse_in
from .._types import ArraySpec, Layout, joined
from ..layouts.arrow_types import LONE_NAME, encoding, is_too_long

_INSTEAD = "choose .h5 or .zarr, which hold any arrays"
_MOST_NAMED = 50


def check_table(specs: Mapping[str, ArraySpec], layout: Layout, suffix: str) -> list[TableColumn]:
    """Give the columns that arrays become.

    Raises: FormatError, a line for each reason, naming every array that cannot be in one table with the others;
    InvalidArgument for chunks that are no number of rows.
    """
    if layout.chunks is not None and len(layout.chunks) != 1:
        raise InvalidArgument(
            f"chunks={layout.chunks} has {len(layout.chunks)} sizes, and of a {suffix} file it says how many rows make "
            "a group; give one, chunks=(n,)"
        )
    columns = columns_of(specs)
    problems = [*_of_names(columns, specs), *_of_dtypes(specs), *_of_sparse(specs), *_of_rows(columns, specs)]
    if problems:
        raise FormatError("\n".join(f"a {suffix} file is one table: {problem}" for problem in problems))
    return columns


def _of_names(columns: list[TableColumn], specs: Mapping[str, ArraySpec]) -> Iterator[str]:
    unwritable = [name for name in specs if not _is_unicode(name)]
    if unwritable:
        yield f"{_listed(unwritable)} cannot name a column, which takes valid Unicode; rename them"
    first: dict[str, TableColumn] = {}
    for column in columns:
        other = first.setdefault(column.name or LONE_NAME, column)
        if other is not column:
            both = f"{other.arrays[0]!r} and {column.arrays[0]!r}"
            yield f"{both} would be one column, {column.name or LONE_NAME!r}; rename one of them"


def _of_dtypes(specs: Mapping[str, ArraySpec]) -> Iterator[str]:
    refused: dict[str, list[str]] = {}
    for name, spec in specs.items():
        found = encoding(spec.dtype) if _has_name(spec.dtype) else None
        if found is None:
            refused.setdefault(f"{logical_name(spec.dtype)}, which no column can hold", []).append(name)
        elif is_too_long(found, tuple(n or 0 for n in spec.shape[1:])):
            refused.setdefault(f"rows of the shape {spec.shape[1:]}, which are too long for a column", []).append(name)
    for why, names in refused.items():
        verb = "has" if len(names) == 1 else "have"
        yield f"{_listed(names)} {verb} {why}; cast or reshape, or choose .npy or .npz"


def _of_sparse(specs: Mapping[str, ArraySpec]) -> Iterator[str]:
    sparse = sparse_in(specs)
    if sparse:
        of = ", ".join(repr(node) for node in sparse[:_MOST_NAMED] if node)
        yield (
            f"the indices, values and shape of a sparse value{' (' + of + ')' if of else ''} are no rows of one; make "
            f"it dense or ragged first, or {_INSTEAD}"
        )


def _of_rows(columns: list[TableColumn], specs: Mapping[str, ArraySpec]) -> Iterator[str]:
    sparse = {joined(node, part) for node in sparse_in(specs) for part in ("indices", "values", "shape")}
    counts: dict[int, list[str]] = {}
    for column in columns:
        if sparse.isdisjoint(column.arrays):
            for count, name in _counted(column, specs):
                counts.setdefault(count, []).append(name)
    scalars = counts.pop(-1, [])
    if scalars:
        is_one = f"{_listed(scalars)} {'is' if len(scalars) == 1 else 'are'} without an axis, and so without rows"
        yield f"{is_one}; leave them out (select=), or {_INSTEAD}"
    if len(counts) > 1:
        found = "; ".join(f"{count} rows: {_listed(names)}" for count, names in counts.items())
        yield f"all its arrays have the same number of rows, found {found}; save them apart, or {_INSTEAD}"


def _counted(column: TableColumn, specs: Mapping[str, ArraySpec]) -> Iterator[tuple[int, str]]:
    """Give the number of rows of a column, and of what says which are missing, where it is known."""
    rows = column.rows(specs)
    if rows is not None:
        yield rows, column.name or column.values
    missing = specs[column.missing[0]].shape[0] if column.missing[0] else None
    if missing is not None and missing != rows:
        yield missing, column.missing[0]


def _has_name(dtype: np.dtype[Any]) -> bool:
    """Tell whether a dtype of another library is one that TensorFlow has too, which a file can name."""
    return dtype.isbuiltin != 2 or (is_extended(dtype) and dtype == named(dtype.name))


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
