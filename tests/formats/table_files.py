"""Tables in files, by pyarrow alone, and what is opened of them."""

import numpy as np
import pytest

import tf2numpy as t2n

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SUFFIXES = [".parquet", ".arrow"]


def write(path, table, **options):
    """Write a table by pyarrow alone."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, **options)
        return path
    rows = options.pop("row_group_size", None)
    with pa.ipc.new_file(str(path), table.schema, options=pa.ipc.IpcWriteOptions(**options)) as file:
        file.write_table(table, max_chunksize=rows)
    return path


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def opened(path):
    with t2n.open(path) as file:
        return {name: np.asarray(file[name]) for name in file}, dict(file.left_out)
