"""What is found out about the columns of records, group by group, and the layouts that follow. No value is kept."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from .._types import joined
from ..wire.examples import Column, Columns, Kind
from ..wire.group_index import ColumnFacts, GroupIndex
from ._example_parts import ROWS, STEPS, VALUES, Layout

NO_KIND = "no record has values of it, so that its dtype is not known"


class Facts:
    """What the records so far hold of one column.

    kind: of its values, None while there are none. present: how many records have it.
    """

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.present = 0
        self.unset = False
        self._lengths: tuple[int, int] | None = None  # the least and the most values of a row, or of a step
        self._steps: tuple[int, int] | None = None
        self._of_groups = (array("q"), array("q"))  # steps, values

    def add(self, column: Column, group: int) -> None:
        """Take in the column of one group of records."""
        self.kind = self.kind or column.kind
        self.present += column.count
        self.unset = self.unset or bool(column.unset.size)
        steps = 0
        if column.steps is not None:
            steps = _sum(column.steps, column.count)
            self._steps = _bounds(self._steps, column.steps, column.count)
        self._lengths = _bounds(self._lengths, column.lengths, column.count if column.steps is None else steps)
        values = len(column.values) if column.ends is None else len(column.ends) - 1
        for counts, count in zip(self._of_groups, (steps, values), strict=True):
            counts.extend([0] * (group - len(counts)))
            counts.append(count)

    def counts(self, along: int, groups: int) -> NDArray[np.int64]:
        """Give the steps or values of each group."""
        found = np.zeros(groups, np.int64)
        counts = np.frombuffer(self._of_groups[along - STEPS], np.int64)
        found[: len(counts)] = counts
        return found

    def facts(self, name: bytes, in_list: bool, groups: int) -> ColumnFacts:
        """Give all that is known, for an index."""
        of_groups = (self.counts(STEPS, groups), self.counts(VALUES, groups))
        return ColumnFacts(name, in_list, self.kind, self.present, self.unset, self._lengths, self._steps, of_groups)

    def join(self, other: ColumnFacts, group: int) -> bool:
        """Take in what is known of the column in more groups; False if it is of another kind there."""
        if self.kind is not None and other.kind not in (None, self.kind):
            return False
        self.kind = self.kind or other.kind
        self.present += other.present
        self.unset = self.unset or other.unset
        self._lengths, self._steps = _both(self._lengths, other.lengths), _both(self._steps, other.steps)
        for counts, more in zip(self._of_groups, other.of_groups, strict=True):
            counts.extend([0] * (group - len(counts)))
            counts.extend(more.tolist())
        return True

    def fits(self, layout: Layout, rows: int) -> bool:
        """Tell whether some records of which this is known can be part of a column of such a layout."""
        has_steps = layout.in_list and not layout.ragged
        steps, values = layout.inner[:has_steps], layout.inner[has_steps:]
        fixed = layout.ragged < (2 if layout.in_list else 1)
        return (
            (layout.has_missing or self.present == rows)
            and (layout.has_unset or not self.unset)
            and not (fixed and self._lengths not in (None, (math.prod(values),) * 2))
            and not (steps and self._steps not in (None, steps * 2))
        )

    def layout(self, name: str, feature: bytes, rows: int, *, in_list: bool) -> Layout | None:
        """Decide how the column becomes arrays; None while nothing is known of its values."""
        if self.kind is None:
            return None
        complete = self.present == rows
        length, steps = _only(self._lengths), _only(self._steps)
        if not in_list:
            dense = complete and length is not None
            inner = (() if length == 1 else (length or 0,)) if dense else ()
            return Layout(name, feature, False, self.kind, 0 if dense else 1, inner, not complete)
        if length is None or self.unset:
            return Layout(name, feature, True, self.kind, 2, (), not complete, self.unset)
        inner = () if length == 1 else (length,)
        if not complete or steps is None:
            return Layout(name, feature, True, self.kind, 1, inner, not complete)
        return Layout(name, feature, True, self.kind, 0, (steps, *inner))


class Survey:
    """What the groups of records so far hold. groups: how many records each has."""

    def __init__(self) -> None:
        self.groups = array("q")
        self.features: dict[bytes, Facts] = {}
        self.lists: dict[bytes, Facts] = {}

    @property
    def rows(self) -> int:
        """How many records there are."""
        return sum(self.groups)

    def add(self, columns: Columns) -> None:
        """Take in one group of records."""
        for known, found in ((self.features, columns.features), (self.lists, columns.lists)):
            for name, column in found.items():
                known.setdefault(name, Facts()).add(column, len(self.groups))
        self.groups.append(columns.rows)

    def facts(self) -> list[ColumnFacts]:
        """Give what is known of each column, of each group."""
        both = ((False, self.features), (True, self.lists))
        return [one.facts(name, in_list, len(self.groups)) for in_list, known in both for name, one in known.items()]

    def join(self, index: GroupIndex) -> bool:
        """Take in the groups of a file that was looked at before; False for values of another kind."""
        for column in index.columns:
            known = self.lists if column.in_list else self.features
            if not known.setdefault(column.name, Facts()).join(column, len(self.groups)):
                return False
        self.groups.extend(index.records.tolist())
        return True

    def keep(self, features: Collection[bytes] | None, lists: Collection[bytes] | None) -> None:
        """Forget all columns but those of some names; None keeps all."""
        if features is not None:
            self.features = {name: one for name, one in self.features.items() if name in features}
        if lists is not None:
            self.lists = {name: one for name, one in self.lists.items() if name in lists}

    def layouts(self) -> tuple[list[Layout], dict[str, str]]:
        """Decide how the columns become arrays, sorted by name; and say which cannot, and why."""
        rows, taken = self.rows, set[str]()
        found: list[Layout] = []
        without_kind: dict[bytes, str] = {}
        for in_list, known in ((False, self.features), (True, self.lists)):
            for feature in sorted(known):
                name = feature.decode("utf-8", "backslashreplace")
                layout = known[feature].layout(_free(name, taken), feature, rows, in_list=in_list)
                if layout is None:
                    without_kind[feature] = name
                    continue
                while taken & (names := {layout.name, *(joined(layout.name, part.name) for part in layout.parts)}):
                    other = _free(layout.name, taken | {layout.name})
                    layout = known[feature].layout(other, feature, rows, in_list=in_list)
                    assert layout is not None
                taken |= names
                found.append(layout)
        for layout in found:  # one that was chosen is looked for among features and lists
            without_kind.pop(layout.feature, None)
        return found, dict.fromkeys(without_kind.values(), NO_KIND)

    def counts(self, layout: Layout, along: int) -> NDArray[np.int64]:
        """Give the entries of each group, counted by rows, steps or values."""
        if along == ROWS:
            return np.frombuffer(self.groups, np.int64).copy()
        return self._of(layout).counts(along, len(self.groups))

    def missing(self, layout: Layout) -> int:
        """Count the records that lack a column."""
        return self.rows - self._of(layout).present

    def _of(self, layout: Layout) -> Facts:
        known: Mapping[bytes, Facts] = self.lists if layout.in_list else self.features
        return known[layout.feature]


def _free(name: str, taken: Iterable[str]) -> str:
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _sum(each: NDArray[np.int64] | int, count: int) -> int:
    return each * count if isinstance(each, int) else int(each.sum())


def _bounds(known: tuple[int, int] | None, each: NDArray[np.int64] | int, count: int) -> tuple[int, int] | None:
    if not count:
        return known
    least, most = (each, each) if isinstance(each, int) else (int(each.min()), int(each.max()))
    return (least, most) if known is None else (min(known[0], least), max(known[1], most))


def _both(known: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    if known is None or other is None:
        return known or other
    return min(known[0], other[0]), max(known[1], other[1])


def _only(bounds: tuple[int, int] | None) -> int | None:
    return bounds[0] if bounds is not None and bounds[0] == bounds[1] else None
