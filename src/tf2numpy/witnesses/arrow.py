"""An Arrow IPC file as pyarrow gives it. Nothing of ours may parse a message of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._registry import require
from .._witness import Show
from ._tables import shown


@contextmanager
def arrow(path: Path) -> Iterator[Show]:
    """Show each array of the table."""
    pa = require("pyarrow", "verify=True for .arrow")
    with pa.memory_map(os.fsencode(path)) as file:
        schema = pa.ipc.open_file(file).schema

        def pieces(column: str) -> Iterator[Any]:
            at = schema.get_field_index(column)
            batches = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=[at]))
            for number in range(batches.num_record_batches):
                yield batches.get_batch(number).column(0)

        yield lambda name: shown(pa, schema, name, pieces)
