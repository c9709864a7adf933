"""Where groups of records lie in some files, and how one is read again. What records hold may not enter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from ..wire.examples import Columns
from ..wire.group_index import GroupIndex
from ..wire.records import FOOTER_BYTES, HEADER_BYTES, Block
from ._example_parts import splits_of
from ._record_shards import Shard, ahead

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
        self._groups.append(_Group(shard, start, self.end_of(block), int(block.numbers[0]), int(block.numbers[-1])))

    @staticmethod
    def end_of(block: Block) -> int:
        """Say where the last record of a block ends."""
        return int(block.offset + block.stops[-1]) + FOOTER_BYTES

    def join(self, shard: int, index: GroupIndex) -> None:
        """Say that the next groups are those that an index of a file has."""
        firsts = splits_of(index.records).tolist()
        for group, (start, stop) in enumerate(pairwise(index.starts.tolist())):
            self._groups.append(_Group(shard, start, stop, firsts[group], firsts[group + 1] - 1))

    def read(self, purpose: str, group: int) -> tuple[Shard, Iterator[Block]]:
        """Give the file of a group, and its records."""
        place = self._groups[group]
        shard = self._shards[place.shard]
        if shard.compression == "none":
            return shard, shard.blocks_between(place.start, place.stop, place.first)
        return shard, self._unpacked(shard, purpose, place)

    def from_record(self, number: int, record: int) -> Iterator[Block]:
        """Give the records of a file from one on."""
        shard = self._shards[number]
        found = ahead(shard.blocks(), shard.blob.size)
        before = [one for one in self._groups if one.shard == number and one.first <= record]
        if record and before and shard.compression == "none":
            found = shard.blocks_between(before[-1].start, shard.blob.size, before[-1].first)
        for block in found:
            wanted = block[block.numbers >= record]
            if len(wanted):
                yield wanted

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


class Runs:
    """Which records some rows are of."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, str, NDArray[np.int64]]] = []

    def add(self, shard: Shard, block: Block, row: int, at: int) -> None:
        """Say that the rows from one on are of the records of a block, from one on."""
        self._runs.append((row, shard.name, block.numbers[at:]))

    def begin(self, shard: Shard, block: Block) -> Callable[[int, int], None]:
        """Give what is told from which row on the records are those of a block from one on."""
        return partial(self.add, shard, block)

    def after(self, rows: int) -> Runs:
        """Give the same without some of the first rows."""
        found = Runs()
        found._runs = [(row - rows, name, numbers) for row, name, numbers in self._runs]
        return found

    def number(self, row: int) -> int:
        """Give the number of the record that a row is of."""
        first, _, numbers = self._of(row)
        return int(numbers[row - first])

    def __call__(self, row: int) -> str:
        return f"the record {self.number(row)} of {self._of(row)[1]!r}"

    def _of(self, row: int) -> tuple[int, str, NDArray[np.int64]]:
        return max((run for run in self._runs if run[0] <= row), key=lambda run: run[0])


class Batch(NamedTuple):
    """Some records of one file. where: names one of them. shard, record: where the next one is."""

    columns: Columns
    where: Runs
    shard: int
    record: int
