"""An HDF5 file as h5py gives it. Nothing of ours may find a dataset, undo its compression or read its elements.

h5py turns bfloat16, float8_e5m2 and integers of less than a byte into wider numbers: of these it is asked for the
elements as the file has them, by reading into memory of the file's own type.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import is_extended, named, storage
from .._registry import require
from .._types import Index
from .._witness import Show, Shown
from ..layouts.hdf5_types import exact_dtype

_MOST_CACHE_BYTES = 64 << 20
_TOGETHER = 1024


@contextmanager
def hdf5(path: Path) -> Iterator[Show]:
    """Show each dataset."""
    h5py = require("h5py", "verify=True for HDF5")
    with h5py.File(path, "r") as file:
        yield lambda name: _shown(h5py, _cached(h5py, file[name]))


def _cached(h5py: Any, dataset: Any) -> Any:
    """Open a dataset again so that HDF5 keeps the chunks that pieces in C order come back to, and no others."""
    if not dataset.chunks:
        return dataset
    across = [-(-n // size) for n, size in zip(dataset.shape[1:], dataset.chunks[1:], strict=True)]
    nbytes = math.prod((*dataset.chunks, *across)) * dataset.id.get_type().get_size()
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(4093, min(nbytes, _MOST_CACHE_BYTES), 1.0)
    return h5py.Dataset(h5py.h5d.open(dataset.file.id, dataset.name.encode(), access))


def _shown(h5py: Any, dataset: Any) -> Shown:
    dtype = _dtype(h5py, dataset)

    def read(index: Index) -> NDArray[Any]:
        if dtype.hasobject:
            return _strings(dataset, index)
        return _bits(h5py, dataset, index).view(dtype) if is_extended(dtype) else np.asarray(dataset[index or ...])

    return Shown(dataset.shape, dtype, read)


def _dtype(h5py: Any, dataset: Any) -> np.dtype[Any]:
    """Give the logical dtype: what the HDF5 type says, or the attribute "dtype" where the type can hold its bits."""
    exact = exact_dtype(h5py, dataset.id.get_type())
    if exact is not None:
        return exact
    found: np.dtype[Any] = dataset.dtype
    recorded = dataset.attrs.get("dtype")
    if recorded is None:
        return found
    meant = named(recorded)
    fits = h5py.check_vlen_dtype(found) == np.uint8 if meant.hasobject else found == storage(meant)
    return meant if fits else found


def _bits(h5py: Any, dataset: Any, index: Index) -> NDArray[Any]:
    kind, space = dataset.id.get_type(), dataset.id.get_space()
    target = np.empty([s.stop - s.start for s in index], f"u{kind.get_size()}")
    if index:
        space.select_hyperslab(tuple(s.start for s in index), target.shape)
    memory = h5py.h5s.create_simple(target.shape) if index else h5py.h5s.create(h5py.h5s.SCALAR)
    dataset.id.read(memory, space, target, kind)
    return target


def _strings(dataset: Any, index: Index) -> NDArray[Any]:
    """Make `bytes` of sequences of bytes, some at a time: h5py gives an array for each, larger than most strings."""
    sizes = [s.stop - s.start for s in index]
    found = np.empty(math.prod(sizes), object)
    done = 0
    for part in _parts(index):
        for element in dataset[part or ...].flat:
            found[done] = element.tobytes()
            done += 1
    return found.reshape(sizes)


def _parts(index: Index) -> Iterator[Index]:
    """Cut a region along the first axis that can be cut: its parts, one after the other, are in C order."""
    for axis, whole in enumerate(index):
        if whole.stop - whole.start > 1:
            step = max(1, _TOGETHER // math.prod(s.stop - s.start for s in index[axis + 1 :]))
            for start in range(whole.start, whole.stop, step):
                yield (*index[:axis], slice(start, min(start + step, whole.stop)), *index[axis + 1 :])
            return
    yield index
