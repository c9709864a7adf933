"""What the tests of sinks of tables share: a suite, and arrays as pyarrow alone gives them."""

import json

import numpy as np
import pytest

from conformance.arrays import logical

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def read_table(path):
    """Read a file with pyarrow alone."""
    if path.read_bytes()[:4] == b"PAR1":
        return pq.read_table(path)
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def read_array(path, name):
    """Read a column of rows of one shape, and restore its logical dtype."""
    table = read_table(path)
    field, column = table.schema.field(name), table.column(name).combine_chunks()
    told = json.loads((field.metadata or {}).get(b"tf2numpy", b"{}"))
    shape = (len(column), *told.get("shape", ()))
    if 0 in shape[1:]:
        dtype = told["dtype"]
        return np.empty(shape, object if dtype == "string" else logical(dtype))
    flat = np.array(column.to_pylist() if len(column) else [], object)
    if str(field.type).startswith("large_binary") or "large_binary" in str(field.type):
        found = np.empty(shape, object)
        found.reshape(-1)[:] = flat.reshape(-1)
        return found
    column = getattr(column, "storage", column)
    while pa.types.is_fixed_size_list(column.type):
        column = column.flatten()
    values = column.to_numpy(zero_copy_only=False)
    dtype = logical(told["dtype"]) if "dtype" in told else values.dtype
    if dtype.byteorder == ">":
        return values.view(dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    return values.view(dtype).reshape(shape)
