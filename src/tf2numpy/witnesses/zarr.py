"""A Zarr group as zarr-python gives it. Nothing of ours may parse its metadata, find a chunk or decode one."""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import named, storage
from .._host import region
from .._registry import require
from .._types import Index
from .._witness import Show, Shown

_MOST_KEPT_BYTES = 64 << 20
_STRING_BYTES = 64  # what one is reckoned with: a pointer, the header of `bytes`, and some of them


@contextmanager
def zarr(path: Path) -> Iterator[Show]:
    """Show each array of the group."""
    library = require("zarr", "verify=True for .zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dtypes whose names no specification has yet
        group = library.open_group(path, mode="r", use_consolidated=False)
        yield lambda name: _shown(library, path / name, group[name])


def _shown(library: Any, folder: Path, array: Any) -> Shown:
    dtype = _dtype(array)
    if dtype.hasobject and not array.shape:
        return Shown((), dtype, lambda index: _one_string(library, folder))
    blocks = _Blocks(array)

    def read(index: Index) -> NDArray[Any]:
        found = blocks.read(index)
        stored = storage(dtype)
        return found.astype(stored, copy=False).view(dtype)  # zarr gives values in the machine's order of bytes

    return Shown(array.shape, dtype, read)


def _dtype(array: Any) -> np.dtype[Any]:
    """Give the logical dtype: the attribute "dtype" where the array can hold its bits, else its own."""
    found: np.dtype[Any] = array.dtype
    recorded = array.attrs.get("dtype")
    if isinstance(recorded, str) and storage(named(recorded)) == found:
        return named(recorded)
    first = array.metadata.to_dict()["codecs"][0]
    if first["name"] == "sharding_indexed":
        first = first["configuration"]["codecs"][0]
    return found.newbyteorder(">") if first.get("configuration", {}).get("endian") == "big" else found


class _Blocks:
    """Regions by way of the chunks they touch, which are kept: of those the next region may have the rest."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self._kept: tuple[Index, NDArray[Any]] | None = None

    def read(self, index: Index) -> NDArray[Any]:
        """Read one region."""
        array = self._array
        block = tuple(
            slice(s.start // size * size, min(-(-s.stop // size) * size, n))
            for s, size, n in zip(index, array.chunks, array.shape, strict=True)
        )
        itemsize = _STRING_BYTES if array.dtype.hasobject else array.dtype.itemsize
        if math.prod(s.stop - s.start for s in block) * itemsize > _MOST_KEPT_BYTES:
            return self._elements(index)
        if self._kept is None or self._kept[0] != block:
            self._kept = None
            self._kept = block, self._elements(block)
        within = (slice(s.start - b.start, s.stop - b.start) for s, b in zip(index, block, strict=True))
        return region(self._kept[1], tuple(within))

    def _elements(self, index: Index) -> NDArray[Any]:
        return np.asarray(self._array[index or ...], self._array.dtype)  # a scalar loses the end of its text


def _one_string(library: Any, folder: Path) -> NDArray[Any]:
    """Read the one string of an array without axes.

    zarr gives it as fixed-length bytes, which do not tell b"" from b"\\0"; so the same chunk is shown it as that of
    an array with an axis.
    """
    document = json.loads((folder / "zarr.json").read_bytes())
    document["shape"] = document["chunk_grid"]["configuration"]["chunk_shape"] = [1]
    with tempfile.TemporaryDirectory() as twin:
        Path(twin, "zarr.json").write_text(json.dumps(document))
        Path(twin, "c").mkdir()
        Path(twin, "c", "0").symlink_to((folder / "c").resolve())
        found: NDArray[Any] = library.open_array(twin, mode="r")[...]
    return found.reshape(())
