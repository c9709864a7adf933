"""An Arrow IPC file (Feather version 2) through pyarrow: record batches as they are asked for. No dtype may enter.

Uncompressed buffers are views of the mapped file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._blobs import Blob, Mapped, Trail, blob_of
from .._errors import FormatError
from .._protocols import Stored
from .._registry import require
from ..wire.arrow_messages import MAGIC, TAIL_BYTES, Batch, batch, batches, footer_bytes
from ._arrow_columns import arrays_of
from ._arrow_file import ArrowBlob, finding_damage
from ._arrow_pieces import Table

_KIND = "Arrow file"


def arrow(path: Path, head: bytes) -> Stored | None:
    """Open an Arrow file.

    Raises: FormatError for a damaged file; MissingExtra without pyarrow.
    """
    if not head.startswith(MAGIC):
        return None
    shown = repr(str(path))
    pa = require("pyarrow", f"reading {shown}, an {_KIND},")
    blob = blob_of(path)
    with finding_damage(f"{shown}, an {_KIND},"):
        found = _batches(blob)
        schema = pa.ipc.open_file(pa.PythonFile(ArrowBlob(blob, pa), mode="r")).schema
        table = ArrowTable(pa, blob, schema, found, shown)
    arrays, left_out = arrays_of(pa, table, schema, table.has_none)
    return Stored(_KIND, arrays, lambda: None, left_out=left_out)


def _batches(blob: Blob) -> list[Batch]:
    """Read what the file says of its record batches."""
    size = footer_bytes(blob.read(max(0, blob.size - TAIL_BYTES), blob.size).tobytes(), blob.size)
    end = blob.size - TAIL_BYTES
    return [batch(blob.read(*place).data) for place in batches(blob.read(end - size, end).data)]


class ArrowTable(Table):
    """The record batches of a file, each a piece of its own."""

    kind = _KIND

    def __init__(self, pa: Any, blob: Blob, schema: Any, found: list[Batch], shown: str) -> None:
        self.shown, self.device = shown, f"file {blob.name}"
        self.ends = np.concatenate([[0], np.cumsum([one.rows for one in found], dtype=np.int64)])
        if (np.diff(self.ends) < 0).any():
            raise FormatError("its record batches have more rows than can be counted")
        self.is_mapped = isinstance(blob, Mapped) and not any(one.is_compressed for one in found)
        self._pa, self._blob, self._found, self._trail = pa, blob, found, Trail()
        self._files: dict[int, Any] = {}  # each gives one column
        self._arrays = [_arrays(field.type) for field in schema]

    def has_none(self, column: int) -> bool:
        """Tell whether nothing is missing in a column, by the counts that each batch begins with."""
        first = sum(self._arrays[:column])
        nodes = slice(first, first + self._arrays[column])
        known = all(len(one.nulls) == sum(self._arrays) for one in self._found)
        return known and not any(one.nulls[nodes].any() for one in self._found)

    def group_of(self, piece: int) -> int:
        """Give the piece itself: any batch can be read."""
        return piece

    def read(self, column: int, piece: int) -> Iterator[Any]:
        """Read a column of a batch; what is not compressed is looked at when it is used."""
        file = self._files.get(column)
        if file is None:
            options = self._pa.ipc.IpcReadOptions(included_fields=[column], use_threads=False)
            source = self._pa.PythonFile(ArrowBlob(self._blob, self._pa), mode="r")
            file = self._files[column] = self._pa.ipc.open_file(source, options=options)
        for number in range(piece, file.num_record_batches):
            array = file.get_batch(number).column(0)
            array.validate(full=True)
            self._trail.passed(self._blob, array.get_total_buffer_size())  # nbytes would read bounds
            yield array


def _arrays(kind: Any) -> int:
    """Count the arrays that a column of a type consists of."""
    kind = getattr(kind, "storage_type", kind)
    return 1 + sum(_arrays(kind.field(number).type) for number in range(kind.num_fields))
