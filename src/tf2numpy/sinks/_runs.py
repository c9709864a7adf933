"""Where a region lies in a flat file that holds an array in C order. No file format may enter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import storage
from .._errors import InvalidArgument
from .._host import c_order
from .._spans import runs
from .._types import ArraySpec, Chunk, Index
from ._output_file import OutputFile


def fit(
    chunk: Chunk,
    specs: Mapping[str, ArraySpec],
    rows: int | None,
    *,
    growing: bool = False,
    why: str = "the number of rows is not known",
) -> Index:
    """Check a chunk against its array and give its region, a slice for every axis.

    rows: how many rows have come, where they must come in order and whole, for the reason `why`; None where any region
    may come.
    growing: axis 0 has no upper bound.
    Raises: InvalidArgument saying what was found and what fits.
    """
    spec = specs.get(chunk.name)
    if spec is None:
        raise InvalidArgument(f"there is no array {chunk.name!r} here; there are {', '.join(map(repr, specs))}")
    where = f"array {chunk.name!r}: the piece [{', '.join(f'{s.start}:{s.stop}' for s in chunk.index)}]"
    if chunk.value.dtype != spec.dtype:
        raise InvalidArgument(f"{where} is {chunk.value.dtype}, the array {spec.dtype}")
    index = chunk.index + tuple(slice(0, n) for n in spec.shape[len(chunk.index) :])
    ends = [math.inf if n is None or (growing and axis == 0) else n for axis, n in enumerate(spec.shape)]
    if len(index) != len(ends) or not all(
        s.stop is not None and s.step in (None, 1) and 0 <= s.start <= s.stop <= end
        for s, end in zip(index, ends, strict=True)
    ):
        raise InvalidArgument(f"{where} is no region of the shape {spec.shape}")
    shape = tuple(s.stop - s.start for s in index)
    if chunk.value.shape != shape:
        raise InvalidArgument(f"{where} holds shape {chunk.value.shape}, and the region has {shape}")
    if rows is not None and (index[0].start != rows or shape[1:] != spec.shape[1:]):
        raise InvalidArgument(f"{where} must hold whole rows from row {rows} on, as {why}")
    return index


def bytes_of(array: NDArray[Any]) -> memoryview:
    """Give the bytes of an array in C order, as one flat view; a copy only where it is not in that order."""
    return c_order(array).reshape(-1).view(np.uint8).data


def pwrite_region(
    file: OutputFile, base: int, shape: tuple[int | None, ...], index: Index, value: NDArray[Any]
) -> None:
    """Write one region of the array of that shape whose first byte lies at `base`.

    Raises: StorageFull, after the unfinished file is removed.
    """
    data, done = bytes_of(value), 0
    with file.guard():
        for offset, length in runs(shape, index, value.dtype.itemsize):
            file.pwrite(data[done : done + length], base + offset)
            done += length


def map_array(path: Path, base: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Map the array whose first byte lies at `base`, writable, as its logical dtype.

    An array without elements has no bytes to map: it is an ordinary one.
    """
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(path, storage(dtype), "r+", base, shape).view(dtype)
