"""Where groups of records lie in some files, and how one is read again. What records hold may not enter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from ..wire.records import FOOTER_BYTES, HEADER_BYTES, Block
from ._record_shards import Shard

_HELD_STREAMS = 16


class _Group(NamedTuple):
    shard: int
    start: int  # in the file, or in what it unpacks to
    stop: int
    first: int  # record of the file
    last: int


class Groups:
    """Groups of records that were read together once, and can be again.

    One of an uncompressed file is read by itself. A compressed file is unpacked from where it was last read for the
    same purpose, or from the beginning.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._shards = shards
        self._groups: list[_Group] = []
        self._streams: OrderedDict[tuple[str, int], tuple[Iterator[Block], int]] = OrderedDict()

    def add(self, shard: int, block: Block) -> None:
        """Say that the records of a block of a file are the next group."""
        start = int(block.offset + block.starts[0]) - HEADER_BYTES
        stop = int(block.offset + block.stops[-1]) + FOOTER_BYTES
        self._groups.append(_Group(shard, start, stop, int(block.numbers[0]), int(block.numbers[-1])))

    def read(self, purpose: str, group: int) -> tuple[Shard, Iterator[Block]]:
        """Give the file of a group, and its records."""
        place = self._groups[group]
        shard = self._shards[place.shard]
        if shard.compression == "none":
            return shard, shard.blocks_between(place.start, place.stop, place.first)
        return shard, self._unpacked(shard, purpose, place)

    def close(self) -> None:
        """Let go of the streams."""
        self._streams.clear()

    def _unpacked(self, shard: Shard, purpose: str, place: _Group) -> Iterator[Block]:
        key = (purpose, place.shard)
        blocks, at = self._streams.pop(key, (None, 0))
        if blocks is None or at > place.first:
            blocks = shard.blocks()
        for block in blocks:
            if block.numbers[-1] >= place.first:
                self._streams[key] = (blocks, place.last + 1)
                while len(self._streams) > _HELD_STREAMS:
                    self._streams.popitem(last=False)
                yield block
                return
        raise FormatError(f"{shard.name!r} ends before its record {place.first}; it was changed since it was opened")


class _Run(NamedTuple):
    """The records of a block, from one on. row: that the first is. base, begins: together, where they lie."""

    row: int
    shard: Shard
    numbers: NDArray[np.int64]
    base: int
    begins: NDArray[np.int64]


class Runs:
    """Which records some rows are of."""

    def __init__(self, runs: Iterable[_Run] = ()) -> None:
        self._runs = list(runs)

    def add(self, shard: Shard, block: Block, row: int, at: int) -> None:
        """Say that the rows from one on are of the records of a block, from one on."""
        self._runs.append(_Run(row, shard, block.numbers[at:], block.offset - HEADER_BYTES, block.starts[at:]))

    def join(self, other: Runs, row: int) -> None:
        """Say the same of the rows from one on as another does of those from 0 on."""
        self._runs += [run._replace(row=row + run.row) for run in other._runs]

    def after(self, rows: int) -> Runs:
        """Give the same without some of the first rows."""
        return Runs(run._replace(row=run.row - rows) for run in self._runs)

    def place(self, row: int) -> tuple[Shard, int, int]:
        """Give the file of the record that a row is of, the record's number in it, and where it begins."""
        run = max((run for run in self._runs if run.row <= row), key=lambda run: run.row)
        at = row - run.row
        return run.shard, int(run.numbers[at]), int(run.base + run.begins[at])

    def __call__(self, row: int) -> str:
        shard, number, _ = self.place(row)
        return f"the record {number} of {shard.name!r}"
