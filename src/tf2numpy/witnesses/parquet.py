"""A Parquet file as pyarrow gives it. Nothing of ours may read its footer or decode a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._registry import require
from .._witness import Show
from ._tables import shown

_BATCH_ROWS = 4096


@contextmanager
def parquet(path: Path) -> Iterator[Show]:
    """Show each array of the table."""
    pa = require("pyarrow", "verify=True for .parquet")
    pq = require("pyarrow.parquet", "verify=True for .parquet")
    with pq.ParquetFile(path, pre_buffer=False) as file:

        def pieces(column: str) -> Iterator[Any]:
            for batch in file.iter_batches(_BATCH_ROWS, columns=[column], use_threads=False):
                yield batch.column(batch.schema.get_field_index(column))

        yield lambda name: shown(pa, file.schema_arrow, name, pieces)
