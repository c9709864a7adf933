"""Where groups of records lie in some files, and how one is read again. What records hold may not enter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from ..wire.examples import Columns
from ..wire.group_index import GroupIndex
from ..wire.records import FOOTER_BYTES, HEADER_BYTES, Block
from ._example_parts import splits_of
from ._record_shards import Shard

# A record: the number of its file, its own in that, and where it begins there.
Begin: TypeAlias = tuple[int, int, int]

_HELD_STREAMS = 16


class _Group(NamedTuple):
    shard: int
    start: int  # in the file, or in what it unpacks to
    stop: int
    first: int  # record of the file
    last: int
    passed: tuple[int, ...] = ()  # records that were passed over


class Groups:
    """Groups of records that were read together once, and can be again.

    One of an uncompressed file is read by itself. A compressed file is unpacked from where it was last read for the
    same purpose, or from the beginning.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._shards = shards
        self._groups: list[_Group] = []
        self._streams: OrderedDict[tuple[str, int], tuple[Iterator[Block], int]] = OrderedDict()

    def add(self, shard: int, block: Block, read: NDArray[np.int64]) -> None:
        """Say that the records of a block of a file are the next group.

        read: the numbers of those that became rows; the others are passed over each time, whatever is read of them.
        """
        start = int(block.offset + block.starts[0]) - HEADER_BYTES
        passed = tuple(np.setdiff1d(block.numbers, read).tolist()) if len(read) < len(block) else ()
        first, last = int(block.numbers[0]), int(block.numbers[-1])
        self._groups.append(_Group(shard, start, self.end_of(block), first, last, passed))

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
            found = shard.blocks_between(place.start, place.stop, place.first)
        else:
            found = self._unpacked(shard, purpose, place)
        return shard, (block[~np.isin(block.numbers, place.passed)] for block in found) if place.passed else found

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

    def begin(self, shard: Shard, block: Block) -> Callable[[int, int], None]:
        """Give what is told from which row on the records are those of a block from one on."""
        return partial(self.add, shard, block)

    def numbers(self, rows: int) -> NDArray[np.int64]:
        """Give the number that each row has in its file."""
        ends = [*(run.row for run in self._runs[1:]), rows]
        parts = [run.numbers[: end - run.row] for run, end in zip(self._runs, ends, strict=True)]
        return np.concatenate([np.empty(0, np.int64), *parts])

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


class Batch(NamedTuple):
    """Some records. where: names one of them. after: where the next one is."""

    columns: Columns
    where: Runs
    after: Begin
