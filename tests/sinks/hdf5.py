"""What the tests of HDF5 files share: a file of given arrays, and the bits that lie in one."""

import h5py
import numpy as np

from conformance.arrays import logical
from tf2numpy._dtypes import storage
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy.sinks.hdf5 import Hdf5Sink


def fill(path, arrays, unknown=()):
    sink = Hdf5Sink(path, overwrite=False)
    sink.begin(
        {
            name: ArraySpec((None, *array.shape[1:]) if name in unknown else array.shape, array.dtype)
            for name, array in arrays.items()
        }
    )
    for name, array in arrays.items():
        sink.write(Chunk(name, tuple(slice(0, n) for n in array.shape[:1]), array))
    sink.commit()
    return sink


def stored_bits(dataset):
    """Read the elements exactly as they lie in the file, with no conversion."""
    name = dataset.attrs["dtype"]
    bits = np.empty(dataset.shape, storage(logical(name)))
    if bits.size:
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, bits, dataset.id.get_type())
    return bits.view(logical(name))
