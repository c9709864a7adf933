"""A table of records: its columns in batches, all at once, or by group. What files there are may not enter.

Nothing is read before it is asked for. What the columns are is found out in one pass, which also says where the groups
lie that a slice needs; to read everything takes no such pass.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _memory
from .._errors import FormatError, HostMemoryError
from .._spans import too_large
from .._units import format_bytes
from ..wire.examples import Column, Columns
from ..wire.records import Block
from ._example_facts import Survey
from ._example_parts import Arrays, Layout, Where, splits_of
from ._record_decoding import RAW, RECORD, Chosen, decode, decoder_of
from ._record_shards import Shard, ahead

_GLOB = frozenset("*?[")
_COLUMN_BYTES = 700  # of a decoder, without its values
_HELD_SPLITS, _HELD_STREAMS = 8, 16


class Batch(NamedTuple):
    """Some records of one file. where: names one of them. shard, record: where the next one is."""

    columns: Columns
    where: Where
    shard: int
    record: int


class _Group(NamedTuple):
    shard: int
    start: int  # in the file, or in what it unpacks to
    stop: int
    first: int  # record of the file
    last: int


class Table:
    """The records of some files, all of one kind of message.

    shown: what it was opened from. select: the features that are wanted, by name or pattern; None: all.
    """

    def __init__(self, shown: str, shards: Sequence[Shard], message: str, select: Sequence[str] | None = None) -> None:
        self.shown, self.shards, self.message, self.select = shown, shards, message, select
        self._lock = threading.RLock()
        self._survey: Survey | None = None
        self._groups: list[_Group] = []
        self._layouts: list[Layout] = []
        self._without_kind: dict[str, str] = {}
        self._chosen: Chosen | None = None
        self._splits: OrderedDict[tuple[str, int], Arrays] = OrderedDict()
        self._streams: OrderedDict[tuple[str, int], tuple[Iterator[Block], int]] = OrderedDict()

    def narrowed(self, select: Sequence[str]) -> Table:
        """Give a table of some of the features."""
        return Table(self.shown, self.shards, self.message, select)

    @property
    def rows(self) -> int:
        """How many records there are."""
        return self._surveyed().rows

    @property
    def layouts(self) -> Sequence[Layout]:
        """How each column becomes arrays."""
        self._surveyed()
        return self._layouts

    @property
    def left_out(self) -> dict[str, str]:
        """What is in the files and in no array, by name, each with the reason."""
        if self._survey is None and not self._without_kind:
            self._surveyed()
        return self._without_kind | (self.shards[0].wanted.left_out if self.shards else {})

    def whole(self) -> tuple[Columns, Sequence[Layout], Where]:
        """Decode everything, in one pass.

        Raises: HostMemoryError if it does not fit.
        """
        free = _memory.free_bytes()
        decoder, runs = decoder_of(self.message, self.chosen(), free), _Runs()
        for shard in self.shards:
            for block in ahead(shard.blocks(), shard.blob.size):
                at, before = 0, decoder.rows
                while at < len(block):
                    at = self._decode(decoder, shard, block, at)
                    if at < len(block):
                        raise HostMemoryError(
                            f"the records of {self.shown!r} take more than the {format_bytes(free)} of host memory "
                            f"that are free: {decoder.rows} were read; choose features with select=, or take them in "
                            "pieces with iter_chunks(x)"
                        )
                runs.add(before, shard, block)
        columns = decoder.take()
        survey = Survey()
        survey.add(columns)
        layouts, self._without_kind = survey.layouts()
        return columns, layouts, runs

    def batches(self, max_bytes: int, shard: int = 0, record: int = 0) -> Iterator[Batch]:
        """Give the records from one on in batches whose columns take max_bytes at most.

        Raises: InvalidArgument for a record that alone takes more.
        """
        bound = max_bytes + _COLUMN_BYTES * len(self.layouts)
        decoder = decoder_of(self.message, self.chosen(), bound)
        for number in range(shard, len(self.shards)):
            one, runs = self.shards[number], _Runs()
            for block in self._blocks_from(number, record if number == shard else 0):
                at = 0
                while at < len(block):
                    before = decoder.rows
                    end = self._decode(decoder, one, block, at)
                    runs.add(before, one, block, at)
                    if end < len(block):
                        if not decoder.rows:
                            raise self._too_large(one, block, end, bound)
                        yield Batch(decoder.take(), runs, number, int(block.numbers[end]))
                        runs = _Runs()
                    at = end
            if decoder.rows:
                yield Batch(decoder.take(), runs, number + 1, 0)

    def counts(self, layout: Layout) -> dict[str, NDArray[np.int64]]:
        """Give where each group ends in each part of a column, from 0 on; without the last entry of row_splits."""
        survey = self._surveyed()
        return {part.name: splits_of(survey.counts(layout, part.along)) for part in layout.parts}

    def group(self, layout: Layout, group: int) -> Arrays:
        """Give the arrays of one column of one group, row_splits from 0 on."""
        key = (layout.name, group)
        with self._lock:
            found = self._splits.pop(key, None) or self._decoded(layout, group)
            self._splits[key] = found
            while len(self._splits) > _HELD_SPLITS:
                self._splits.popitem(last=False)
            return found

    def close(self) -> None:
        """Let go of what is held of the files."""
        with self._lock:
            self._streams.clear()
            self._splits.clear()

    def chosen(self) -> Chosen:
        """Say which features are decoded: those that were named, or that a pattern fits, which needs their names."""
        if self.select is None or self.message == RAW:
            return Chosen()
        if self._chosen is None:
            names = {name.encode("utf-8", "surrogateescape") for name in self.select}
            if any(_GLOB & set(name) for name in self.select):
                names = {name for name in self.features() if any(_fits(pattern, name) for pattern in self.select)}
            wanted = dict.fromkeys(names)
            self._chosen = Chosen(wanted, wanted)
        return self._chosen

    def has(self, pattern: str) -> bool:
        """Tell whether a name or pattern fits a feature; the first records say so of most."""
        first = self._first_names()
        return any(_fits(pattern, name) for name in first) or any(_fits(pattern, name) for name in self.features())

    def _first_names(self) -> set[bytes]:
        block = next((found for shard in self.shards if (found := shard.first()) is not None), None)
        if block is None or self.message == RAW:
            return {RECORD}
        decoder = decoder_of(self.message, Chosen())
        self._decode(decoder, self.shards[0], block, 0)
        columns = decoder.take()
        return {*columns.features, *columns.lists}

    def features(self) -> set[bytes]:
        """Give the names of all features, wanted or not."""
        if self.message == RAW:
            return {RECORD}
        every = Table(self.shown, self.shards, self.message)
        survey = every._surveyed()
        return {*survey.features, *survey.lists}

    def _surveyed(self) -> Survey:
        with self._lock:
            if self._survey is None:
                survey, groups = Survey(), list[_Group]()
                decoder = decoder_of(self.message, self.chosen())
                for number, shard in enumerate(self.shards):
                    for block in ahead(shard.blocks(), shard.blob.size):
                        self._decode(decoder, shard, block, 0)
                        groups.append(_group_of(number, block))
                        survey.add(decoder.take())
                self._layouts, self._without_kind = survey.layouts()
                self._survey, self._groups = survey, groups
            return self._survey

    def _decode(self, decoder: Any, shard: Shard, block: Block, at: int) -> int:
        return decode(decoder, shard, block, self.message, at, self._of_another)

    def _of_another(self, shard: Shard, record: memoryview) -> str:
        """Name the file before this one whose values are of another kind than those of a record."""
        alone = decoder_of(self.message, self.chosen())
        alone.decode(record, np.zeros(1, np.int64), np.array([len(record)]))
        here = _kinds(alone.take())
        for other in self.shards[: self.shards.index(shard)]:
            for block in other.blocks():
                alone = decoder_of(self.message, self.chosen())
                decode(alone, other, block, self.message, 0, lambda _, __: "")
                there = _kinds(alone.take())
                if any(here[name] != there[name] for name in here.keys() & there.keys()):
                    return f"; {other.name!r} has those"
        return ""

    def _too_large(self, shard: Shard, block: Block, at: int, bound: int) -> Exception:
        alone = decoder_of(self.message, self.chosen())
        self._decode(alone, shard, block[at : at + 1], 0)
        return too_large(f"the record {block.numbers[at]} of {shard.name!r}", alone.nbytes, bound)

    def _decoded(self, layout: Layout, group: int) -> Arrays:
        place = self._groups[group]
        shard = self.shards[place.shard]
        only = {layout.feature: layout.kind}
        decoder = decoder_of(self.message, Chosen({}, only) if layout.in_list else Chosen(only, {}))
        runs = _Runs()
        for block in self._blocks_of(layout, place):
            before = decoder.rows
            self._decode(decoder, shard, block, 0)
            runs.add(before, shard, block)
        columns = decoder.take()
        return layout.split(column_of(columns, layout), columns.rows, runs)

    def _blocks_from(self, number: int, record: int) -> Iterator[Block]:
        """Give the records of a file from one on."""
        shard = self.shards[number]
        if record and self._survey is not None and shard.compression == "none":
            place = max(
                (one for one in self._groups if one.shard == number and one.first <= record), key=lambda one: one.first
            )
            found = shard.blocks_between(place.start, shard.blob.size, place.first)
        else:
            found = ahead(shard.blocks(), shard.blob.size)
        for block in found:
            wanted = block if block.numbers[0:1] >= record else block[block.numbers >= record]
            if len(wanted):
                yield wanted

    def _blocks_of(self, layout: Layout, place: _Group) -> Iterator[Block]:
        """Give the records of a group; a compressed file is unpacked from where it was last read for this column."""
        shard = self.shards[place.shard]
        if shard.compression == "none":
            yield from shard.blocks_between(place.start, place.stop, place.first)
            return
        key = (layout.name, place.shard)
        blocks, at = self._streams.pop(key, (None, 0))
        if blocks is None or at > place.first:
            blocks = shard.blocks()
        for block in blocks:
            if len(block) and block.numbers[-1] >= place.first:
                self._streams[key] = (blocks, place.last + 1)
                while len(self._streams) > _HELD_STREAMS:
                    self._streams.popitem(last=False)
                yield block
                return
        raise FormatError(f"{shard.name!r} ends before its record {place.first}; it was changed since it was opened")


class _Runs:
    """Which records some rows are of."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, str, NDArray[np.int64]]] = []

    def add(self, row: int, shard: Shard, block: Block, at: int = 0) -> None:
        """Say that the rows from one on are of the records of a block, from one on."""
        self._runs.append((row, shard.name, block.numbers[at:]))

    def __call__(self, row: int) -> str:
        first, name, numbers = max((run for run in self._runs if run[0] <= row), key=lambda run: run[0])
        return f"the record {numbers[row - first]} of {name!r}"


def column_of(columns: Columns, layout: Layout) -> Column | None:
    """Find the column that a layout is of."""
    return (columns.lists if layout.in_list else columns.features).get(layout.feature)


def _kinds(columns: Columns) -> dict[tuple[bool, bytes], str]:
    both = ((False, columns.features), (True, columns.lists))
    return {(in_list, name): one.kind for in_list, found in both for name, one in found.items() if one.kind}


def _group_of(shard: int, block: Block) -> _Group:
    start = int(block.offset + block.starts[0]) - 12
    stop = int(block.offset + block.stops[-1]) + 4
    return _Group(shard, start, stop, int(block.numbers[0]), int(block.numbers[-1]))


def _fits(pattern: str, name: bytes) -> bool:
    text = name.decode("utf-8", "backslashreplace")
    return text == pattern or fnmatchcase(text, pattern)
