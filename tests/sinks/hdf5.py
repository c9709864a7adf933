"""What the tests of HDF5 files share: a sink, a file of given arrays, and the bits that lie in one."""

import importlib.util

import h5py
import numpy as np
import pytest

from conformance.arrays import logical
from tf2numpy._dtypes import storage
from tf2numpy._types import PLAIN, ArraySpec, Chunk, Request
from tf2numpy._workspace import Workspace
from tf2numpy.formats.hdf5 import hdf5
from tf2numpy.sinks.hdf5 import Hdf5Sink

needs_codecs = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("hdf5plugin", "numcodecs", "zstandard")),
    reason="hdf5plugin, numcodecs or zstandard is not installed in this environment",
)


def new_sink(path, layout=PLAIN, keep=False):
    """Make a sink; keep: what an interrupted process left."""
    workspace = Workspace(path, overwrite=False)
    if keep:
        workspace.open(keep=True)
    return Hdf5Sink(workspace, layout)


def specs_of(arrays, unknown=()):
    return {
        name: ArraySpec((None, *array.shape[1:]) if name in unknown else array.shape, array.dtype)
        for name, array in arrays.items()
    }


def fill(path, arrays, unknown=(), layout=PLAIN):
    sink = new_sink(path, layout)
    sink.begin(specs_of(arrays, unknown))
    for name, array in arrays.items():
        sink.write(Chunk(name, tuple(slice(0, n) for n in array.shape[:1]), array))
    sink.commit()
    return sink


def read_array(path, name):
    """Read one array with h5py alone, and restore its logical dtype."""
    with h5py.File(path) as file:
        dataset = file[name]
        if "dtype" not in dataset.attrs:
            found = np.empty(dataset.shape, dataset.dtype)
            if found.size:
                dataset.read_direct(found)
            return found
        if dataset.attrs["dtype"] != "string":
            return stored_bits(dataset)
        found = np.empty(dataset.shape, object)
        rows = np.empty(dataset.shape, object)
        rows[()] = dataset[()]
        for place in np.ndindex(*dataset.shape):
            found[place] = rows[place].tobytes()
        return found


def stored_bits(dataset):
    """Read the elements exactly as they lie in the file, with no conversion."""
    name = dataset.attrs["dtype"]
    bits = np.empty(dataset.shape, storage(logical(name)))
    if bits.size:
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, bits, dataset.id.get_type())
    return bits.view(logical(name))


def opened(path):
    """Open a file with our reader."""
    return hdf5(path, path.read_bytes()[:64])


def fetched(path, name="x"):
    """Read one array with our reader."""
    stored = opened(path)
    found = stored.arrays[name].fetch(Request())
    stored.close()
    return found
