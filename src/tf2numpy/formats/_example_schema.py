"""Columns of records as a schema declares them: of the declared shape and dtype, defaults filled in. Layouts only.

What the arrays are follows from the schema alone, never from the data, so that no pass has to find it out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import is_extended, logical_name
from .._errors import FormatError
from .._schema import BITS, BYTES, FLOATS, IMAGE, RAW, Declared
from .._schema import VALUES as _VALUES
from .._selection import near
from ..wire.examples import Column, Columns, Kind
from ._example_facts import Survey
from ._example_parts import ROWS, SPLITS, VALUES, Arrays, Part, Where, empty_column, splits_of, spread

_KINDS: dict[str, Kind] = {BYTES: "bytes", FLOATS: "float"}


@dataclass(frozen=True)
class DeclaredLayout:
    """One column, as declared. name: of its arrays. met: gives names of features that records have, for errors."""

    name: str
    declared: Declared
    met: Callable[[], Collection[str]] = field(default=tuple, compare=False)

    @property
    def feature(self) -> bytes:
        """The name in the records."""
        return self.declared.feature.encode()

    @property
    def kind(self) -> Kind:
        """What its values must be."""
        return _KINDS.get(self.declared.stored, "int64")

    @property
    def known(self) -> bool:
        """Whether all rows are of one shape."""
        return None not in self.declared.shape

    @property
    def parts(self) -> tuple[Part, ...]:
        """One array, or values and row_splits where the first axis may be of any size."""
        what = self.declared
        dtype = what.dtype.newbyteorder("=")
        inner = tuple(n for n in what.shape if n is not None)
        if self.known:
            return (Part("", ROWS, dtype, inner),)
        return (Part("values", VALUES, dtype, inner), Part("row_splits", ROWS, SPLITS, cuts="values"))

    def column(self, columns: Columns) -> Column | None:
        """Find the column among those of some records, be it a feature or a feature list."""
        found = columns.features.get(self.feature)
        return columns.lists.get(self.feature) if found is None or not found.count else found

    def split(self, column: Column | None, rows: int, where: Where) -> Arrays:
        """Give the arrays of some records.

        Raises: FormatError naming the record, for rows that are not as declared.
        """
        if column is None or column.kind is None:
            column = empty_column(self.kind, rows, column, in_list=column is not None and column.steps is not None)
        counts, present = counts_of(column), ~column.missing()
        if self.declared.form == RAW:
            values, counts = self._raw(column, counts, present, where)
        else:
            values = column.strings() if self.kind == "bytes" else self._cast(column.values, counts, where)
        size = self.declared.row_size
        if self.known:
            self.check_counts(counts, present & (counts != size), where, f"{size}")
        else:
            self.check_counts(counts, present & (counts % max(size, 1) != 0), where, f"a multiple of {size}")
        return self._shaped(values, counts, present, where)

    def sizes(self, column: Column | None, rows: int, where: Where) -> dict[str, int]:
        """Say how many entries some records have in each part.

        Raises: as `split`.
        """
        found = self.split(column, rows, where)
        return {part.name: len(found[part.name]) - bool(part.cuts) for part in self.parts}

    def counted(self, survey: Survey) -> dict[str, NDArray[np.int64]] | None:
        """Say how many entries each group of records has in each part, if what is known of the columns says so."""
        groups, what = len(survey.groups), self.declared
        if what.form not in (_VALUES, BITS) or what.default is not None:
            return None
        found = survey.features.get(self.feature)
        facts = survey.lists.get(self.feature) if found is None or not found.present else found
        if facts is None:
            values = np.zeros(groups, np.int64)
        elif facts.kind not in (None, self.kind):
            return None
        else:
            values = facts.counts(VALUES, groups)
        rows, rest = np.divmod(values, max(what.row_size, 1))
        return None if rest.any() else {"values": rows, "row_splits": np.array(survey.groups, np.int64)}

    def _shaped(
        self, values: NDArray[Any], counts: NDArray[np.int64], present: NDArray[np.bool_], where: Where
    ) -> Arrays:
        """Put the rows together, with those that are missing."""
        what, size = self.declared, self.declared.row_size
        inner = tuple(n for n in what.shape if n is not None)
        missing = not bool(present.all())
        if self.known and what.default is None:
            self.check_present(present, where)
        if missing and what.default is not None:
            filled = np.empty(int(counts.sum()) + size * int((~present).sum()), values.dtype)
            lengths = np.where(present, counts, size)
            is_default = np.repeat(~present, lengths)
            filled[~is_default] = values
            filled[is_default] = np.tile(np.asarray(what.default).reshape(-1), int((~present).sum()))
            values, counts = filled, lengths
        if self.known:
            return {"": values.reshape(len(present), *inner)}
        splits = splits_of(counts // max(size, 1))
        return {"values": values.reshape(int(splits[-1]), *inner), "row_splits": splits}

    def _raw(
        self, column: Column, counts: NDArray[np.int64], present: NDArray[np.bool_], where: Where
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """View the bytes of the strings, of which a row has one, as elements."""
        self.check_counts(counts, present & (counts != 1), where, "1")
        assert column.ends is not None
        dtype = self.declared.dtype
        sizes = np.zeros(len(present), np.int64)
        sizes[present] = np.diff(column.ends)
        wrong = sizes % dtype.itemsize != 0
        if wrong.any():
            row = int(np.argmax(wrong))
            raise FormatError(
                f"{where(row)}: the feature {self.declared.feature!r} has {sizes[row]} bytes, and one "
                f"{logical_name(dtype)} takes {dtype.itemsize}"
            )
        return column.values.view(dtype).astype(dtype.newbyteorder("="), copy=False), sizes // dtype.itemsize

    def _cast(self, values: NDArray[Any], counts: NDArray[np.int64], where: Where) -> NDArray[Any]:
        """Give the numbers in the declared dtype.

        Raises: FormatError naming the first one that does not fit.
        """
        dtype = self.declared.dtype
        if values.dtype == dtype or self.declared.form == BITS:
            return values.view(dtype)
        with np.errstate(all="ignore"):
            found = values.astype(dtype)
            if dtype.kind in "iub" and not is_extended(dtype):
                wrong = found.astype(values.dtype) != values
                if dtype.kind == "u" and dtype.itemsize == values.dtype.itemsize:
                    wrong |= values < 0
            elif values.dtype.kind == "f":
                wrong = np.isfinite(values) & ~np.isfinite(found.astype(np.float64))
            else:
                wrong = found.astype(np.float64) != values
        if wrong.any():
            at = int(np.argmax(wrong))
            row = int(np.searchsorted(splits_of(counts), at, "right")) - 1
            raise FormatError(
                f"{where(row)}: the feature {self.declared.feature!r} has the value {values[at]}, which is no "
                f"{logical_name(dtype)}; declare it as {logical_name(values.dtype)}"
            )
        return found

    def check_present(self, present: NDArray[np.bool_], where: Where) -> None:
        """Refuse rows that lack what has neither a default nor an axis of any size."""
        if not present.all():
            axes = "(None,)" if self.declared.form != IMAGE else f"(None, None, {self.declared.shape[2]})"
            name, met = self.declared.feature, self.met()
            raise FormatError(
                f"{where(int(np.argmin(present)))} has no feature {name!r}, which is declared without "
                f"a default; declare {'one, or ' if self.declared.form != IMAGE else ''}the shape {axes}"
                f"{'' if name in met else near(name, met)}"
            )

    def check_counts(self, counts: NDArray[np.int64], wrong: NDArray[np.bool_], where: Where, allowed: str) -> None:
        """Refuse rows that have another number of values than is declared."""
        if wrong.any():
            row = int(np.argmax(wrong))
            raise FormatError(
                f"{where(row)}: the feature {self.declared.feature!r} has {counts[row]} values, and {allowed} "
                f"{'is' if allowed == '1' else 'are'} declared"
            )


def counts_of(column: Column) -> NDArray[np.int64]:
    """Give how many values each row has, over all steps of a feature list."""
    if column.steps is None:
        return column.of_rows(column.lengths)
    steps = column.of_rows(column.steps)
    ends = splits_of(spread(column.lengths, int(steps.sum())))
    return np.diff(ends[splits_of(steps)])
