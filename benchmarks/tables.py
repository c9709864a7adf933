"""Tables written to Parquet and Arrow files: against pyarrow's own writers, and the memory it takes.

pyarrow's side begins with a table that is made before the clock runs, and is synced as ours is. By default it
compresses and tries dictionaries, which ours does not for floats; so it is measured with and without.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tf2numpy as t2n

from ._measure import Result, in_turns
from ._process import peak_of

_BYTES = 1 << 30

# Rows that take no memory of their own, into a file in 64 MiB: what the whole process took at its peak.
_STREAMED = """
import sys
import numpy as np
import tf2numpy as t2n
row = np.random.default_rng(0).random((256, 1024), np.float32)
rows = ({"x": row + np.float32(i), "y": np.arange(256) + i} for i in range(4096))
t2n.save(rows, sys.argv[1], max_bytes="64MiB")
"""


def results() -> Iterator[Result]:
    """Measure vectors and single values, then memory."""
    random = np.random.default_rng(0)
    vectors = {"x": random.random((_BYTES // 4 // 1024, 1024), np.float32)}
    singles = {f"c{i}": random.random(_BYTES // 4 // 16, np.float32) for i in range(16)}
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for name, value in (("vectors", vectors), ("16 columns", singles)):
            for suffix, library, plain, limit in (
                (".parquet", "pq.write_table, no compression, no dictionaries", _alike, 1.2),
                (".parquet", "pq.write_table, no compression", _parquet, 1.0),
                (".parquet", "pq.write_table, as it is", pq.write_table, 1.0),
                (".arrow", "ipc.new_file(...).write_table", _arrow, 1.1),
            ):
                path = Path(folder) / f"x{suffix}"
                ours, theirs, samples = in_turns(
                    _saved(value, path), _by_pyarrow(value, path, plain), repeats=3, memory_bytes=_BYTES
                )
                yield Result(
                    f'save({name}, "x{suffix}"), 1 GB of floats, synced',
                    ours / theirs,
                    "x the time",
                    f"<= {limit} x",
                    ours / theirs <= limit,
                    ours,
                    theirs,
                    f"{library} + fsync",
                    samples,
                )
        for suffix in (".parquet", ".arrow"):
            peak = peak_of(_STREAMED, Path(folder) / f"x{suffix}")
            Path(folder, f"x{suffix}").unlink()
            name = f'save(rows, "x{suffix}"), 4 GB in 64 MiB: peak of the process'
            yield Result(name, peak, "MiB", "<= 192 MiB", peak <= 192)


def _saved(value: Any, path: Path) -> Callable[[], None]:
    def run() -> None:
        t2n.save(value, path)
        path.unlink()

    return run


def _by_pyarrow(value: Any, path: Path, plain: Callable[[pa.Table, str], None]) -> Callable[[], None]:
    table = pa.table({name: _column(array) for name, array in value.items()})

    def run() -> None:
        plain(table, str(path))
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        path.unlink()

    return run


def _column(array: Any) -> Any:
    return pa.array(array) if array.ndim == 1 else pa.FixedShapeTensorArray.from_numpy_ndarray(array)


def _alike(table: pa.Table, path: str) -> None:
    """Write by the settings that are taken here: what is left is the way into Arrow, and groups of 16 MiB."""
    pq.write_table(table, path, compression="none", use_dictionary=False)


def _parquet(table: pa.Table, path: str) -> None:
    pq.write_table(table, path, compression="none")


def _arrow(table: pa.Table, path: str) -> None:
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
