"""A table of records: its columns in batches, all at once, or by group. What files there are may not enter.

Nothing is read before it is asked for. What the columns are is found out in one pass, which also says where the groups
lie that a slice needs; to read everything takes no such pass.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _memory
from .._errors import HostMemoryError
from .._schema import Declared
from .._spans import too_large
from .._units import format_bytes
from ..wire.examples import Columns
from ..wire.records import Block
from ._example_facts import Survey
from ._example_parts import Arrays, Layout, Where, splits_of
from ._example_schema import DeclaredLayout
from ._record_decoding import RAW, RECORD, Chosen, decode, decoder_of, fits, kinds, text, wanted
from ._record_groups import Groups, Runs
from ._record_shards import Shard, ahead

AnyLayout: TypeAlias = Layout | DeclaredLayout

_UNDECLARED = "the schema does not declare it"
_GLOB = frozenset("*?[")
_COLUMN_BYTES = 700  # of a decoder, without its values
_HELD_GROUPS = 8


class Batch(NamedTuple):
    """Some records of one file. where: names one of them. shard, record: where the next one is."""

    columns: Columns
    where: Where
    shard: int
    record: int


class Table:
    """The records of some files, all of one kind of message.

    shown: what it was opened from. select: the features that are wanted, by name or pattern; None: all. schema: what
    they are, where that is declared.
    """

    def __init__(
        self,
        shown: str,
        shards: Sequence[Shard],
        message: str,
        select: Sequence[str] | None = None,
        schema: Mapping[str, Declared] | None = None,
    ) -> None:
        self.shown, self.shards, self.message, self.select, self.schema = shown, shards, message, select, schema
        self._declared: list[DeclaredLayout] | None = None
        if schema is not None:
            self._declared = [DeclaredLayout(name, one) for name, one in schema.items() if wanted(select, name)]
        self._declared_counts: dict[str, dict[str, array[int]]] = {}
        self._lock = threading.RLock()
        self._survey: Survey | None = None
        self._groups = Groups(shards)
        self._layouts: list[Layout] = []
        self._without_kind: dict[str, str] = {}
        self._chosen: Chosen | None = None
        self._splits: OrderedDict[tuple[str, int], Arrays] = OrderedDict()

    def narrowed(self, select: Sequence[str]) -> Table:
        """Give a table of some of the features."""
        return Table(self.shown, self.shards, self.message, select, self.schema)

    @property
    def rows(self) -> int:
        """How many records there are."""
        return self._surveyed().rows

    @property
    def counted(self) -> bool:
        """Whether it is known how many records there are."""
        return self._survey is not None

    @property
    def layouts(self) -> Sequence[AnyLayout]:
        """How each column becomes arrays."""
        if self._declared is not None:
            return self._declared
        self._surveyed()
        return self._layouts

    @property
    def left_out(self) -> dict[str, str]:
        """What is in the files and in no array, by name, each with the reason."""
        if self._declared is not None:
            if not self._without_kind:
                known = {layout.feature for layout in self._declared}
                self._without_kind = {text(name): _UNDECLARED for name in sorted(self._first_names() - known)}
        elif self._survey is None and not self._without_kind:
            self._surveyed()
        return self._without_kind | (self.shards[0].wanted.left_out if self.shards else {})

    def whole(self) -> tuple[Columns, Sequence[AnyLayout], Where]:
        """Decode everything, in one pass.

        Raises: HostMemoryError if it does not fit.
        """
        free = _memory.free_bytes()
        decoder, runs = decoder_of(self.message, self.chosen(), free), Runs()
        for shard in self.shards:
            for block in ahead(shard.blocks(), shard.blob.size):
                at = 0
                while at < len(block):
                    at = self._decode(decoder, shard, block, at, runs)
                    if at < len(block):
                        raise HostMemoryError(
                            f"the records of {self.shown!r} take more than the {format_bytes(free)} of host memory "
                            f"that are free: {decoder.rows} were read; choose features with select=, or take them in "
                            "pieces with iter_chunks(x)"
                        )
        columns = decoder.take()
        layouts, self._without_kind = self._layouts_of(columns)
        return columns, layouts, runs

    def first(self, count: int) -> tuple[Columns, Sequence[AnyLayout], Where]:
        """Decode the first records."""
        decoder, runs = decoder_of(self.message, self.chosen()), Runs()
        for shard, block in ((one, block) for one in self.shards for block in one.blocks()):
            if decoder.rows >= count:
                break
            self._decode(decoder, shard, block[: count - decoder.rows], 0, runs)
        columns = decoder.take()
        return columns, self._layouts_of(columns)[0], runs

    def batches(self, max_bytes: int, shard: int = 0, record: int = 0) -> Iterator[Batch]:
        """Give the records from one on in batches whose columns take max_bytes at most.

        Raises: InvalidArgument for a record that alone takes more.
        """
        bound = max_bytes + _COLUMN_BYTES * len(self.layouts)
        decoder = decoder_of(self.message, self.chosen(), bound)
        for number in range(shard, len(self.shards)):
            one, runs = self.shards[number], Runs()
            for block in self._groups.from_record(number, record if number == shard else 0):
                at = 0
                while at < len(block):
                    end = self._decode(decoder, one, block, at, runs)
                    if end < len(block):
                        if not decoder.rows:
                            raise self._too_large(one, block, end, bound)
                        yield Batch(decoder.take(), runs, number, int(block.numbers[end]))
                        runs = Runs()
                    at = end
            if decoder.rows:
                yield Batch(decoder.take(), runs, number + 1, 0)

    def counts(self, layout: AnyLayout) -> dict[str, NDArray[np.int64]]:
        """Give where each group ends in each part of a column, from 0 on; without the last entry of row_splits."""
        survey = self._surveyed()
        if isinstance(layout, DeclaredLayout):
            counts = self._declared_counts.get(layout.name)
            each = {part.name: survey.groups if counts is None else counts[part.name] for part in layout.parts}
            return {name: splits_of(np.array(found, np.int64)) for name, found in each.items()}
        return {part.name: splits_of(survey.counts(layout, part.along)) for part in layout.parts}

    def missing(self, layout: AnyLayout) -> int | None:
        """Count the records that lack a column; None of a declared one, which defaults may fill."""
        return None if isinstance(layout, DeclaredLayout) else self._surveyed().missing(layout)

    def group(self, layout: AnyLayout, group: int) -> Arrays:
        """Give the arrays of one column of one group, row_splits from 0 on."""
        key = (layout.name, group)
        with self._lock:
            found = self._splits.pop(key, None) or self._decoded(layout, group)
            self._splits[key] = found
            while len(self._splits) > _HELD_GROUPS:
                self._splits.popitem(last=False)
            return found

    def close(self) -> None:
        """Let go of what is held of the files."""
        with self._lock:
            self._groups.close()
            self._splits.clear()

    def chosen(self) -> Chosen:
        """Say which features are decoded: those that were named, or that a pattern fits, which needs their names."""
        if self._declared is not None:
            kinds = {layout.feature: layout.kind for layout in self._declared}
            return Chosen(kinds, kinds)
        if self.select is None or self.message == RAW:
            return Chosen()
        if self._chosen is None:
            names = {name.encode("utf-8", "surrogateescape") for name in self.select}
            if any(_GLOB & set(name) for name in self.select):
                names = {name for name in self.features() if any(fits(pattern, name) for pattern in self.select)}
            wanted = dict.fromkeys(names)
            self._chosen = Chosen(wanted, wanted)
        return self._chosen

    def has(self, pattern: str) -> bool:
        """Tell whether a name or pattern fits a feature; the first records say so of most."""
        if self.schema is not None:
            return any(fits(pattern, name.encode()) for name in self.schema)
        first = self._first_names()
        return any(fits(pattern, name) for name in first) or any(fits(pattern, name) for name in self.features())

    def _first_names(self) -> set[bytes]:
        block = next((found for shard in self.shards if (found := shard.first()) is not None), None)
        if self.message == RAW:
            return {RECORD}
        if block is None:
            return set()
        decoder = decoder_of(self.message, Chosen())
        self._decode(decoder, self.shards[0], block, 0, Runs())
        columns = decoder.take()
        return {*columns.features, *columns.lists}

    def features(self) -> set[bytes]:
        """Give the names of all features, wanted or not; of the declared ones, where some are."""
        if self.schema is not None:
            return {name.encode() for name in self.schema}
        if self.message == RAW:
            return {RECORD}
        every = Table(self.shown, self.shards, self.message)
        survey = every._surveyed()
        return {*survey.features, *survey.lists}

    def _surveyed(self) -> Survey:
        with self._lock:
            if self._survey is None:
                survey, groups = Survey(), Groups(self.shards)
                open_ones = [layout for layout in self._declared or () if not layout.known]
                nothing = self._declared is not None and not open_ones
                decoder = decoder_of(self.message, Chosen({}, {}) if nothing else self.chosen())
                for number, shard in enumerate(self.shards):
                    for block in ahead(shard.blocks(), shard.blob.size):
                        runs = Runs()
                        self._decode(decoder, shard, block, 0, runs)
                        columns = decoder.take()
                        for layout in open_ones:
                            self._count(layout, columns, runs)
                        groups.add(number, block)
                        survey.add(columns)
                if self._declared is None:
                    self._layouts, self._without_kind = survey.layouts()
                self._survey, self._groups = survey, groups
            return self._survey

    def _layouts_of(self, columns: Columns) -> tuple[Sequence[AnyLayout], dict[str, str]]:
        """Decide how columns become arrays, if they are all there is; and say which cannot."""
        if self._declared is not None:
            return self._declared, {}
        survey = Survey()
        survey.add(columns)
        return survey.layouts()

    def _count(self, layout: DeclaredLayout, columns: Columns, runs: Runs) -> None:
        """Keep how many entries a group of records has in each part of a column of any size."""
        found = layout.split(layout.column(columns), columns.rows, runs)
        counts = self._declared_counts.setdefault(layout.name, {part.name: array("q") for part in layout.parts})
        for part in layout.parts:
            counts[part.name].append(len(found[part.name]) - bool(part.cuts))

    def _decode(self, decoder: Any, shard: Shard, block: Block, at: int, runs: Runs) -> int:
        begin = partial(runs.add, shard, block)
        return decode(decoder, shard, block, self.message, at, begin, self._of_another)

    def _of_another(self, shard: Shard, record: memoryview) -> str:
        """Name the file before this one whose values are of another kind than those of a record."""
        alone = decoder_of(self.message, Chosen())
        alone.decode(record, np.zeros(1, np.int64), np.array([len(record)]))
        here = kinds(alone.take())
        for other in self.shards[: self.shards.index(shard)]:
            for block in other.blocks():
                alone = decoder_of(self.message, Chosen())
                decode(alone, other, block, self.message, 0, lambda *_: None, lambda *_: "")
                there = kinds(alone.take())
                if any(here[name] != there[name] for name in here.keys() & there.keys()):
                    return f"; {other.name!r} has those"
        return ""

    def _too_large(self, shard: Shard, block: Block, at: int, bound: int) -> Exception:
        alone = decoder_of(self.message, self.chosen())
        self._decode(alone, shard, block[at : at + 1], 0, Runs())
        return too_large(f"the record {block.numbers[at]} of {shard.name!r}", alone.nbytes, bound)

    def _decoded(self, layout: AnyLayout, group: int) -> Arrays:
        decoder, runs = decoder_of(self.message, _alone(layout)), Runs()
        shard, blocks = self._groups.read(layout.name, group)
        for block in blocks:
            self._decode(decoder, shard, block, 0, runs)
        columns = decoder.take()
        return layout.split(layout.column(columns), columns.rows, runs)


def _alone(layout: AnyLayout) -> Chosen:
    """Choose one column: a feature and a feature list may have one name, and values of different kinds."""
    only = {layout.feature: layout.kind}
    if isinstance(layout, DeclaredLayout):
        return Chosen(only, only)
    return Chosen({}, only) if layout.in_list else Chosen(only, {})
