"""Arrays whose chunks are encoded, each once it is whole: compressed ones, and strings. No particular codec enters."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import storage
from .._host import c_order, region
from .._types import ArraySpec, Index
from ..layouts.zarr_grid import Coords, Grid, cut, within
from ._pool import Pool
from ._zarr_files import Files
from ._zarr_shards import Shards
from ._zarr_waiting import Numbers, Texts, Waiting

_ENDLESS = 1 << 62  # rows where their number is not known
_SPARE_BYTES = 32 << 20
Encode = Callable[[NDArray[Any]], bytes]


class Encoded:
    """One array."""

    index_location = "end"

    def __init__(
        self,
        files: Files,
        pool: Pool,
        folder: Path,
        side: Path,
        spec: ArraySpec,
        grid: Grid,
        encode: Encode,
        *,
        fixed: bool,
        state: dict[str, Any] | None = None,
    ) -> None:
        """Prepare, or go on; nothing is created before it is written.

        side: where chunks may wait. encode: makes bytes of a whole chunk in C order. fixed: the chunks' sizes are
        the caller's choice.
        """
        self.grid = grid
        self._files, self._pool, self._folder, self._encode, self._fixed = files, pool, folder, encode, fixed
        self._unknown = None in spec.shape
        self._chunk_bytes = math.prod(grid.chunk) * spec.dtype.itemsize
        self._shape = tuple(_ENDLESS if n is None else n for n in spec.shape)
        self._stored = storage(spec.dtype)
        self._waiting: Waiting = (
            Texts(files, side, grid.chunk, state)
            if spec.dtype.hasobject
            else Numbers(files, side, grid.chunk, self._stored, state)
        )
        self._shards = Shards(files, grid, self._path, self._shape)
        self._shards.restore(state["shards"] if state else [])

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Fill a region; index: a slice for every axis. Most whole chunks go straight from the memory of `value`."""
        touched = math.prod(-(-s.stop // n) - s.start // n for s, n in zip(index, self.grid.chunk, strict=True))
        # The last chunks are copied: they keep the threads busy while the next region is fetched.
        borrowed = touched - min(self._pool.threads, _SPARE_BYTES // self._chunk_bytes)
        for number, (coords, inside, part) in enumerate(cut(index, self.grid.chunk)):
            piece, whole = region(value, part), within(coords, self.grid.chunk, self._shape)
            if inside == whole:
                borrows = number < borrowed
                self._submit(coords, partial(c_order, piece if borrows else piece.copy()), borrows=borrows)
            elif self._waiting.put(coords, inside, piece) == math.prod(s.stop for s in whole):
                self._submit(coords, self._waiting.job(coords))
        self._pool.give_back()

    def state(self) -> dict[str, Any]:
        """Say which chunks wait, and what the unfinished shards hold."""
        return {**self._waiting.state(), "shards": self._shards.state()}

    def finish(self, shape: tuple[int, ...]) -> Grid:
        """Encode what waits, and give the final grid: one chunk that the rows do not fill gets smaller."""
        grid = self.grid
        if self._unknown:
            self._shape = shape
            if shape[0] < grid.chunk[0] and not self._fixed:
                grid = Grid((max(shape[0], 1), *grid.chunk[1:]))
        for coords in self._waiting.chunks():
            self._submit(coords, self._waiting.job(coords), grid)
        self._pool.drain()
        self._shards.finish()
        return grid

    def _submit(
        self, coords: Coords, read: Callable[[], NDArray[Any]], grid: Grid | None = None, *, borrows: bool = False
    ) -> None:
        grid = grid or self.grid
        at, position = grid.place(coords)
        encode = partial(self._encoded, coords, read, grid.chunk)
        how: dict[str, Any] = {"nbytes": self._chunk_bytes, "borrows": borrows}
        if grid.per_file is None:
            path = self._path(at)
            self._pool.submit(partial(self._put, path, encode), partial(self._note, coords, path), **how)
        else:
            self._pool.submit(encode, partial(self._append, coords, at, position), **how)

    def _encoded(self, coords: Coords, read: Callable[[], NDArray[Any]], chunk: tuple[int, ...]) -> bytes:
        """Encode a chunk, padded to its full size with zeros."""
        piece = read().view(self._stored)
        whole = within(coords, chunk, self._shape)
        shape = tuple(s.stop for s in whole)
        if shape == chunk:
            return self._encode(c_order(region(piece, whole)))
        padded = np.full(chunk, b"", object) if self._stored.hasobject else np.zeros(chunk, self._stored)
        padded[whole] = region(piece, whole)
        return self._encode(padded)

    def _put(self, path: Path, encode: Callable[[], bytes]) -> int | bytes:
        """Write a chunk to its file, and give its size; or the chunk itself, if it could not be written."""
        data = encode()
        return len(data) if self._files.try_put(path, data) else data

    def _note(self, coords: Coords, path: Path, put: int | bytes) -> None:
        if isinstance(put, bytes):
            self._files.put(path, put)
        else:
            self._files.note(path, put)
        self._waiting.drop(coords)

    def _append(self, coords: Coords, at: Coords, position: int, data: bytes) -> None:
        self._shards.append(at, position, data)
        self._waiting.drop(coords)

    def _path(self, at: Coords) -> Path:
        return self._folder.joinpath("c", *map(str, at))
