"""Arrays whose chunks are their raw bytes: every region goes to its place in the files at once. No codec may enter.

A file is one chunk, or, of an array with thousands of chunks, a shard: its index, then the chunks in order, each at
an offset that follows from its place.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._host import region
from .._types import ArraySpec, Index
from ..layouts.zarr_grid import Coords, Grid, cut, index_bytes, no_entries, pack_index
from ._output_file import OutputFile
from ._runs import pwrite_region
from ._zarr_files import Files

_ALIGNMENT_BYTES = 4096


class Plain:
    """One array."""

    index_location = "start"

    def __init__(self, files: Files, folder: Path, spec: ArraySpec, grid: Grid, *, fixed: bool) -> None:
        """Prepare; nothing is created before it is written. fixed: the chunks' sizes are the caller's choice."""
        self.grid = grid
        self._files, self._folder, self._spec, self._fixed = files, folder, spec, fixed
        self._chunk_bytes = math.prod(grid.chunk) * spec.dtype.itemsize

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Fill a region; index: a slice for every axis."""
        for coords, inside, part in cut(index, self.grid.chunk):
            file, base = self._place(coords)
            pwrite_region(file, base, self.grid.chunk, inside, region(value, part))

    def state(self) -> dict[str, Any]:
        """Say nothing: what is in the files is all there is."""
        return {}

    def finish(self, shape: tuple[int, ...]) -> Grid:
        """Pad the last rows with zeros, and give the final grid: one chunk that the rows do not fill gets smaller."""
        if None not in self._spec.shape:
            return self.grid
        rows, (chunk_rows, *rest) = shape[0], self.grid.chunk
        filled = rows % chunk_rows
        if not filled and rows:
            return self.grid
        shrinks = rows < chunk_rows and not self._fixed
        for coords, _, _ in cut((slice(rows - filled, rows), *(slice(0, n) for n in shape[1:])), self.grid.chunk):
            file, _ = self._place(coords)
            file.resize(self._chunk_bytes // chunk_rows * filled)
            if not shrinks:
                file.resize(self._chunk_bytes)
        return Grid((max(rows, 1), *rest)) if shrinks else self.grid

    def _place(self, coords: Coords) -> tuple[OutputFile, int]:
        """Give the file of a chunk, at its full size, and the offset of the chunk in it."""
        at, position = self.grid.place(coords)
        path = self._folder.joinpath("c", *map(str, at))
        ready = self._files.is_open(path)
        file = self._files.at(path)
        if self.grid.per_file is None:
            if not ready:
                file.resize(self._chunk_bytes)
            return file, 0
        start = -(-index_bytes(self.grid.in_file) // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        if not ready:
            self._prepare(file, at, start)
        return file, start + position * self._chunk_bytes

    def _prepare(self, file: OutputFile, at: Coords, start: int) -> None:
        """Write the index of a shard, and give it its size."""
        present = self.grid.present(at, [n or 0 for n in self._spec.shape])
        entries = no_entries(len(present))
        (positions,) = np.nonzero(present)
        entries[positions, 0] = start + positions * self._chunk_bytes
        entries[positions, 1] = self._chunk_bytes
        with file.guard():
            file.pwrite(pack_index(entries), 0)
        file.resize(start + (int(positions[-1]) + 1) * self._chunk_bytes)
