"""A Parquet file through pyarrow: its footer, and the pages of a column as they are asked for. No dtype may enter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._blobs import Blob, Trail, blob_of
from .._protocols import Stored
from .._registry import require
from ._arrow_columns import arrays_of
from ._arrow_file import ArrowBlob, finding_damage
from ._arrow_pieces import Table

_KIND = "Parquet file"
# What is decoded of a column at once: so many rows at most, and fewer where these take more than this.
_MOST_ROWS, _PIECE_BYTES = 1 << 16, 4 << 20


def parquet(path: Path, head: bytes) -> Stored | None:
    """Open a Parquet file.

    Raises: FormatError for a damaged file; MissingExtra without pyarrow.
    """
    if not head.startswith(b"PAR1"):
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
        self._rows = [group.num_rows for group in groups]
        self._steps = [_step(group) for group in groups]
        ends, self._groups = [0], np.zeros(len(groups) + 1, np.int64)
        for number, (rows, step) in enumerate(zip(self._rows, self._steps, strict=True)):
            first = ends[-1]
            ends += [*range(first + step, first + rows, step), first + rows] if rows else []
            self._groups[number + 1] = len(ends) - 1
        self.ends = np.array(ends, np.int64)
        self._leaves = [_leaves(field.type) for field in file.schema_arrow]

    def has_none(self, column: int) -> bool:
        """Tell whether nothing is missing in a column, by the statistics of all groups."""
        first = sum(self._leaves[:column])
        for number in range(len(self._rows)):
            group = self._file.metadata.row_group(number)
            for leaf in range(first, first + self._leaves[column]):
                known = group.column(leaf).statistics
                if known is None or not known.has_null_count or known.null_count:
                    return False
        return True

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
            self._trail.passed(self._blob, array.nbytes)
            yield array

    def _group(self, piece: int) -> int:
        return int(np.searchsorted(self._groups, piece, side="right")) - 1


def _step(group: Any) -> int:
    """Say how many rows of a group are decoded at once: its widest column decides."""
    widest: int = max((group.column(number).total_uncompressed_size for number in range(group.num_columns)), default=0)
    rows: int = group.num_rows
    return max(1, min(_MOST_ROWS, _PIECE_BYTES * rows // max(1, widest)))


def _leaves(kind: Any) -> int:
    """Count the columns of Parquet's own that a type takes."""
    kind = getattr(kind, "storage_type", kind)
    inside: int = sum(_leaves(kind.field(number).type) for number in range(kind.num_fields))
    return inside or 1
