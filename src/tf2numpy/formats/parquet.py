"""A Parquet file through pyarrow: its footer, and the pages of a column as they are asked for. No dtype may enter."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._blobs import Blob, Trail, blob_of
from .._errors import FormatError
from .._protocols import Stored
from .._registry import require
from ..wire.parquet_footer import MAGIC, TAIL_BYTES, footer_bytes, null_counts
from ._arrow_columns import arrays_of
from ._arrow_file import ArrowBlob, finding_damage
from ._arrow_pieces import Table

_KIND = "Parquet file"
# What is decoded of a column at once: so many rows at most, and fewer where these take more than this.
_MOST_ROWS, _PIECE_BYTES = 1 << 16, 8 << 20
_MOST_PIECES = 1 << 16  # of a group: a damaged one may have any number of rows


def parquet(path: Path, head: bytes) -> Stored | None:
    """Open a Parquet file.

    Raises: FormatError for a damaged file; MissingExtra without pyarrow.
    """
    if not head.startswith(MAGIC):
        return None
    shown = repr(str(path))
    pa = require("pyarrow", f"reading {shown}, a {_KIND},")
    pq = require("pyarrow.parquet", f"reading {shown}, a {_KIND},")
    blob = blob_of(path)
    with finding_damage(f"{shown}, a {_KIND},"):
        source = pa.PythonFile(ArrowBlob(blob, pa), mode="r")
        file = pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True)
        table = ParquetTable(file, blob, shown)
    arrays, left_out = arrays_of(pa, table, file.schema_arrow, table.has_none)
    return Stored(_KIND, arrays, file.close, left_out=left_out)


class ParquetTable(Table):
    """The row groups of a Parquet file, cut into pieces of as many rows each but for the last of a group."""

    kind = _KIND

    def __init__(self, file: Any, blob: Blob, shown: str) -> None:
        self.shown, self.device = shown, f"file {blob.name}"
        self._file, self._blob, self._trail = file, blob, Trail()
        found = file.metadata
        groups = [found.row_group(number) for number in range(found.num_row_groups)]
        self._steps = [_step(group.num_rows, group.total_byte_size) for group in groups]
        ends, self._groups, first = [np.zeros(1, np.int64)], np.zeros(len(groups) + 1, np.int64), 0
        for number, (group, step) in enumerate(zip(groups, self._steps, strict=True)):
            within = np.append(np.arange(step, group.num_rows, step), group.num_rows)[: group.num_rows]
            ends.append(first + within)
            self._groups[number + 1] = self._groups[number] + len(within)
            first += group.num_rows
        self.ends = np.concatenate(ends)
        self._leaves = [_leaves(field.type) for field in file.schema_arrow]

    def has_none(self, column: int) -> bool:
        """Tell whether nothing is missing in a column, by the statistics of all groups."""
        first = sum(self._leaves[:column])
        leaves = slice(first, first + self._leaves[column])
        return all(count == 0 for group in self._nulls for count in group[leaves])

    @functools.cached_property
    def _nulls(self) -> list[list[int | None]]:
        end = self._blob.size - TAIL_BYTES
        size = footer_bytes(self._blob.read(end, self._blob.size).tobytes(), self._blob.size)
        found = null_counts(self._blob.read(end - size, end).data)
        if any(len(group) != sum(self._leaves) for group in found) or len(found) != len(self._steps):
            raise FormatError(f"its footer has other columns than the {sum(self._leaves)} of its schema")
        return found

    def group_of(self, piece: int) -> int:
        """Give the first piece of a row group."""
        return int(self._groups[self._group(piece)])

    def read(self, column: int, piece: int) -> Iterator[Any]:
        """Decode a column of a row group, piece by piece."""
        group, name = self._group(piece), self._file.schema_arrow.names[column]
        batches = self._file.iter_batches(self._steps[group], row_groups=[group], columns=[name], use_threads=False)
        for batch in batches:
            array = batch.column(batch.schema.get_field_index(name))
            array.validate()
            self._trail.passed(self._blob, array.get_total_buffer_size())
            yield array

    def _group(self, piece: int) -> int:
        return int(np.searchsorted(self._groups, piece, side="right")) - 1


def _step(rows: int, nbytes: int) -> int:
    """Say how many rows of a group are decoded at once; nbytes: those of all columns of the group.

    What pyarrow tells of a single column would be better, but it ends the process where that is damaged.
    """
    if rows < 0:
        raise FormatError(f"one of its groups has {rows} rows")
    return max(1, min(_MOST_ROWS, _PIECE_BYTES * rows // max(1, nbytes)), rows // _MOST_PIECES)


def _leaves(kind: Any) -> int:
    """Count the columns of Parquet's own that a type takes."""
    kind = getattr(kind, "storage_type", kind)
    inside: int = sum(_leaves(kind.field(number).type) for number in range(kind.num_fields))
    return inside or 1
