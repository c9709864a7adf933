"""Which named arrays are the columns of one table. A rule of names alone: no source, sink or format may enter.

An array "x" is a column. So are the parts of a ragged value: "t/row_splits" and "t/values", or for each further ragged
axis "t/values/row_splits" and so on, are the column "t". An array of booleans "x/missing" says which rows of "x" have
no value, "t/values/missing" which of the values in the rows of "t".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ._types import ArraySpec, joined

_SPARSE = ("indices", "values", "shape")
_SPLITS = (np.dtype(np.int32), np.dtype(np.int64))


class TableColumn(NamedTuple):
    """The arrays of one column.

    name: of the column, "" for a ragged value given alone. splits: the row_splits of each ragged axis, outermost first.
    values: the innermost values. missing: what of each level is missing, the rows first; "" where nothing says so.
    """

    name: str
    splits: tuple[str, ...]
    values: str
    missing: tuple[str, ...]

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of all its arrays."""
        return (*self.splits, self.values, *filter(None, self.missing))

    @property
    def shown(self) -> str:
        """The name as messages have it."""
        return repr(self.name or self.values)

    def rows(self, specs: Mapping[str, ArraySpec]) -> int | None:
        """Count its rows; None where their number is not known, -1 where it has none: it is one number."""
        shape = specs[self.splits[0] if self.splits else self.values].shape
        if not shape:
            return -1
        return shape[0] if shape[0] is None else shape[0] - bool(self.splits)


def columns_of(specs: Mapping[str, ArraySpec]) -> list[TableColumn]:
    """Give the columns, in the order of their first arrays."""
    return [_column(node, specs) for node in dict.fromkeys(_node(name, specs) for name in specs)]


def sparse_in(specs: Mapping[str, ArraySpec]) -> list[str]:
    """Name the sparse values: those that have indices, values and a shape, of as many places and axes."""
    nodes = (_above(name) for name in specs if _last(name) == "indices")
    return [node for node in nodes if _is_sparse(*(specs.get(joined(node, part)) for part in _SPARSE))]


def level_name(name: str, level: int) -> str:
    """Name what lies under so many ragged axes of a column: its rows, their values, the values of these."""
    return joined(name, *["values"] * level)


def _is_sparse(indices: ArraySpec | None, values: ArraySpec | None, shape: ArraySpec | None) -> bool:
    """Tell the parts of a sparse value from columns that are called like them."""
    if indices is None or values is None or shape is None or len(indices.shape) != 2 or not values.shape:
        return False
    return values.shape[0] == indices.shape[0] and shape.shape == indices.shape[1:]


def _column(node: str, specs: Mapping[str, ArraySpec]) -> TableColumn:
    inside = list(_levels(node, specs))
    missing = [joined(level, "missing") for level in inside]
    return TableColumn(
        node,
        tuple(joined(level, "row_splits") for level in inside[:-1]),
        inside[-1],
        tuple(name if _says_missing(name, specs) else "" for name in missing),
    )


def _levels(node: str, specs: Mapping[str, ArraySpec]) -> Iterator[str]:
    """Give the name of a column, and of what is under each ragged axis of it."""
    yield node
    while _is_ragged(node, specs):
        node = joined(node, "values")
        yield node


def _node(name: str, specs: Mapping[str, ArraySpec]) -> str:
    """Say which column an array belongs to."""
    node = _above(name) if _is_splits(name, specs) or _is_of_missing(name, specs) else name
    while _last(node) == "values" and _is_ragged(_above(node), specs):
        node = _above(node)
    return node


def _is_ragged(node: str, specs: Mapping[str, ArraySpec]) -> bool:
    """Tell whether there are row_splits under a name, and what they cut into rows, and no array has the name itself."""
    while node not in specs and _cuts(specs.get(joined(node, "row_splits"))):
        node = joined(node, "values")
        if node in specs:
            return True
    return False


def _is_splits(name: str, specs: Mapping[str, ArraySpec]) -> bool:
    return _last(name) == "row_splits" and _is_ragged(_above(name), specs)


def _is_of_missing(name: str, specs: Mapping[str, ArraySpec]) -> bool:
    """Tell whether an array says what of another is missing, which neither says so itself nor bounds rows."""
    chain = [name]
    while _last(chain[-1]) == "missing" and _says_missing(chain[-1], specs):
        chain.append(_above(chain[-1]))
    first = chain[-1]  # what no other array can be of
    is_column = (first in specs and not _is_splits(first, specs)) or _is_ragged(first, specs)
    return (len(chain) - is_column) % 2 == 1 and len(chain) > 1


def _cuts(spec: ArraySpec | None) -> bool:
    return spec is not None and len(spec.shape) == 1 and spec.dtype in _SPLITS and spec.shape[0] != 0


def _says_missing(name: str, specs: Mapping[str, ArraySpec]) -> bool:
    spec = specs.get(name)
    return spec is not None and len(spec.shape) == 1 and spec.dtype == np.bool_


def _last(name: str) -> str:
    """Give the part of a name that `joined` put last; the name itself where it put none there."""
    above, slash, last = name.rpartition("/")
    return last if above or not slash else name


def _above(name: str) -> str:
    return name.rpartition("/")[0]
