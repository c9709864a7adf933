"""Shards that are being filled: encoded chunks one after the other, and an index at the end. No codec may enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..layouts.zarr_grid import Coords, Grid, no_entries, pack_index
from ._zarr_files import Files


@dataclass(slots=True)
class _Shard:
    """One of them. sizes: by the chunk's place in the shard, in the order in which the chunks lie in the file."""

    expected: int
    sizes: dict[int, int] = field(default_factory=dict)
    end: int = 0

    def add(self, position: int, size: int) -> None:
        self.sizes[position] = size
        self.end += size


class Shards:
    """The unfinished shards of one array."""

    def __init__(self, files: Files, grid: Grid, path_of: Callable[[Coords], Path], shape: Sequence[int]) -> None:
        """Prepare. shape: of the array, with more rows than can come where their number is not known."""
        self._files, self._grid, self._path_of, self._shape = files, grid, path_of, shape
        self._open: dict[Coords, _Shard] = {}

    def append(self, at: Coords, position: int, data: bytes) -> None:
        """Write a chunk behind the others of its shard; with its last one, the shard gets its index."""
        shard = self._open.get(at) or _Shard(int(self._grid.present(at, self._shape).sum()))
        file = self._files.at(self._path_of(at))
        with file.guard():
            file.pwrite(data, shard.end)
        shard.add(position, len(data))
        self._open[at] = shard
        if len(shard.sizes) == shard.expected:
            self._finish(at)

    def finish(self) -> None:
        """Give every shard its index, with the chunks it has."""
        for at in sorted(self._open):
            self._finish(at)

    def state(self) -> list[list[list[int]]]:
        """Say, of each unfinished shard, which one it is, and the places and sizes of its chunks."""
        return [[list(at), list(shard.sizes), list(shard.sizes.values())] for at, shard in self._open.items()]

    def restore(self, state: list[list[list[int]]]) -> None:
        """Go on with the shards of such a state; what their files hold behind those chunks does not count."""
        for at, positions, sizes in state:
            shard = _Shard(int(self._grid.present(tuple(at), self._shape).sum()))
            for position, size in zip(positions, sizes, strict=True):
                shard.add(position, size)
            self._open[tuple(at)] = shard

    def _finish(self, at: Coords) -> None:
        shard, offset = self._open[at], 0
        entries = no_entries(self._grid.in_file)
        for position, size in shard.sizes.items():
            entries[position] = offset, size
            offset += size
        index, file = pack_index(entries), self._files.at(self._path_of(at))
        with file.guard():
            file.pwrite(index, shard.end)
        file.resize(shard.end + len(index))
        del self._open[at]
