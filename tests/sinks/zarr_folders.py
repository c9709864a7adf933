"""What the tests of the Zarr sink and reader share."""

import json

import numpy as np

from tf2numpy._types import ArraySpec, Chunk, Layout
from tf2numpy._workspace import Workspace
from tf2numpy.sinks.zarr import ZarrSink


def sink_at(path, keep=False, **layout):
    workspace = Workspace(path, overwrite=False, marker="zarr.json")
    if keep:
        workspace.open(keep=True)
    return ZarrSink(workspace, Layout(**layout))


def written(path, array, rows=None, unknown=False, **layout):
    """Write one array, "x", by pieces of so many rows."""
    sink = sink_at(path, **layout)
    sink.begin({"x": ArraySpec((None, *array.shape[1:]) if unknown else array.shape, array.dtype)})
    for start in range(0, len(array), rows or max(len(array), 1)):
        piece = array[start : start + (rows or len(array))]
        sink.write(Chunk("x", (slice(start, start + len(piece)),), piece))
    sink.commit()
    return path


def files(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def numbers(*shape, dtype="f4"):
    return np.arange(np.prod(shape)).astype(dtype).reshape(shape)


def change(path, **changes):
    """Change the metadata of the array."""
    file = path / "x" / "zarr.json"
    found = json.loads(file.read_bytes())
    file.write_text(json.dumps({k: v for k, v in {**found, **changes}.items() if v != "gone"}))
