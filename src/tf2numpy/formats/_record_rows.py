"""The records of a table as rows: all at once, or in blocks that can begin anywhere. Where they lie may not enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import NotAsStated
from .._protocols import State, StoredRows
from .._types import ArraySpec, Chunk, Feature, joined
from ..wire.examples import Columns
from ._example_images import Images
from ._example_parts import Arrays, Where, build
from ._record_cuts import cut
from ._record_groups import Batch, Begin
from ._record_table import AnyLayout, Table

# Of the columns of a batch: what a decoder holds may be half empty, and short strings take more as objects.
_NUMBERS_SHARE, _STRINGS_SHARE, _IMAGES_SHARE = 2, 6, 2


class Rows(StoredRows):
    """The records of some files, each a dict of its features."""

    def __init__(self, table: Table, kind: str) -> None:
        self.kind, self.device = kind, f"file {table.shown}"
        self._table = table

    def whole(self) -> Mapping[str, NDArray[Any]]:
        """Decode everything in one pass; numbers stay where they were decoded to."""
        return _arrays(*self._table.whole())

    def host_bytes(self) -> int:
        """Nothing is known before; `whole` minds the memory."""
        return 0

    def specs(self) -> Mapping[str, ArraySpec]:
        """Describe the arrays of all rows, by a schema or the first records, uncounted; or by a pass that was made."""
        found, layouts = {}, self._table.stated
        for layout in layouts:
            counts = self._table.counts(layout) if self._table.counted else None
            for part in layout.parts:
                size = None if counts is None else int(counts[part.name][-1]) + bool(part.cuts)
                spec = ArraySpec((size, *part.inner), part.dtype, structural=bool(part.cuts))
                found[joined(layout.name, part.name)] = spec
        return found

    def chunks(self, max_bytes: int, after: State | None = None) -> Iterator[tuple[list[Chunk], State]]:
        """Give what each batch adds to each array."""
        layouts = self._table.stated
        ends, totals, begin = dict[str, int](), dict[str, int](), (0, 0, 0)
        if after is not None:
            number, record, offset = after["after"]
            ends, totals, begin = dict(after["ends"]), dict(after["totals"]), (number, record, offset)
        for batch in self._batches(layouts, max_bytes, begin):
            if not self._table.agrees(batch.columns):
                raise NotAsStated(self)
            found = _arrays(batch.columns, layouts, batch.where)
            chunks = []
            for layout in layouts:
                for part in layout.parts:
                    name = joined(layout.name, part.name)
                    array, start = found.pop(name), ends.get(name, 0)
                    if part.cuts:
                        total = totals.get(name, 0)
                        totals[name] = total + int(array[-1])
                        array = (array if not start else array[1:]) + total
                    ends[name] = start + len(array)
                    chunks.append(Chunk(name, (slice(start, ends[name]),), array))
            yield chunks, {"after": list(batch.after), "ends": dict(ends), "totals": dict(totals)}
            del chunks
        self._table.conclude()
        if not ends:
            yield self._of_nothing(layouts), {"after": [len(self._table.shards), 0, 0], "ends": {}, "totals": {}}

    def pieces(self, max_bytes: int) -> Iterator[Chunk]:
        """Give rows as a dict of their features; independent arrays.

        Raises: InvalidArgument for a record that alone is too large.
        """
        done, layouts = 0, self._table.layouts
        for batch in self._batches(layouts, max_bytes // 2):
            found = _arrays(batch.columns, layouts, batch.where)
            rows = batch.columns.rows
            yield Chunk("", (slice(done, done + rows),), _built(layouts, found))
            done += rows

    def first(self, count: int) -> dict[str, Any]:
        """Give the first records, of which alone the arrays follow."""
        columns, layouts, where = self._table.first(count)
        return _built(layouts, _arrays(columns, layouts, where))

    def features(self) -> list[Feature]:
        """Describe the features; of those that a schema declares it is not counted where they are missing."""
        found, rows = [], self._table.rows
        for layout in self._table.layouts:
            values, *others = layout.parts
            shape = (rows, *(None for part in others if part.cuts), *values.inner)
            missing = self._table.missing(layout)
            found.append(Feature(layout.name, joined(layout.name, values.name), values.dtype, shape, missing))
        return found

    def count(self) -> int:
        """Count the records."""
        return self._table.rows

    def distrust(self) -> None:
        """Have all records looked at: what is known then cannot prove wrong, as files do not change meanwhile."""
        self._table.survey()

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Give a dict of arrays and RaggedArrays, by feature."""
        return _built(self._table.stated, arrays)

    def _of_nothing(self, layouts: Sequence[AnyLayout]) -> list[Chunk]:
        """Give the row_splits of no rows, which have one entry."""
        names = [joined(layout.name, part.name) for layout in layouts for part in layout.parts if part.cuts]
        return [Chunk(name, (slice(0, 1),), np.zeros(1, np.int64)) for name in names]

    def _batches(self, layouts: Sequence[AnyLayout], max_bytes: int, after: Begin = (0, 0, 0)) -> Iterator[Batch]:
        strings = any(isinstance(one, Images) or any(part.dtype.hasobject for part in one.parts) for one in layouts)
        share = max_bytes // (_STRINGS_SHARE if strings else _NUMBERS_SHARE)
        for batch in self._table.batches(layouts, share, after):
            yield from cut(batch, layouts, max_bytes // _IMAGES_SHARE, self._table.shards)


def _arrays(columns: Columns, layouts: Sequence[AnyLayout], where: Where) -> Arrays:
    found = {}
    for layout in layouts:
        for part, array in layout.split(layout.column(columns), columns.rows, where).items():
            found[joined(layout.name, part)] = array
    return found


def _built(layouts: Sequence[AnyLayout], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    found = {}
    for layout in layouts:
        parts = {part.name: arrays[joined(layout.name, part.name)] for part in layout.parts}
        for name, value in build(layout.parts, parts).items():
            found[joined(layout.name, name)] = value
    return found
