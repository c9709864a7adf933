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
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._schema import Declared
from ..wire.examples import Columns
from ._example_facts import Survey
from ._example_images import Images, layout_of
from ._example_parts import Layout, Where, splits_of
from ._example_schema import DeclaredLayout
from ._record_decoding import RAW, RECORD, Chosen, decoder_of, fits, text, wanted
from ._record_groups import Batch, Begin, Groups, Runs
from ._record_guess import Guess, first_names, first_shown, sampled, survey_of
from ._record_index import check_group, known
from ._record_reading import Reading
from ._record_shards import Shard, offset_of

AnyLayout: TypeAlias = Layout | DeclaredLayout

_UNDECLARED = "the schema does not declare it"
_GLOB = frozenset("*?[")
_COLUMN_BYTES = 700  # of a decoder, without its values
_HELD_GROUPS = 8


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
            met = partial(first_shown, shards, message)
            self._declared = [layout_of(name, one, met) for name, one in schema.items() if wanted(select, name)]
        self._declared_counts: dict[str, dict[str, array[int]]] = {}
        self._lock = threading.RLock()
        self._survey: Survey | None = None
        self._reading, self._groups = Reading(shown, shards, message), Groups(shards)
        self._layouts: list[Layout] = []
        self._without_kind: dict[str, str] = {}
        self._chosen: Chosen | None = None
        self._guess: Guess | None = None
        self._concluded = self._from_index = False
        self._counts: dict[str, dict[str, NDArray[np.int64]]] = {}
        self._splits: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()

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
    def stated(self) -> Sequence[AnyLayout]:
        """How each column becomes arrays, by the first records where nothing else says so; see `agrees`."""
        if self._declared is not None or self._survey is not None:
            return self.layouts
        with self._lock:
            if self._guess is None:
                self._guess = Guess(sampled(self._reading, self.shards, self.message, self.chosen()))
            return self._guess.layouts

    def agrees(self, columns: Columns) -> bool:
        """Tell whether some more records are what `stated` says."""
        if self._guess is None or self._survey is not None:
            return True
        return self._guess.agrees(columns)

    def conclude(self) -> None:
        """Say that all records agreed with what is stated."""
        if self._guess is not None and self._survey is None:
            self._without_kind, self._concluded = self._guess.left_out, True

    def survey(self) -> None:
        """Find out in a pass of its own what the columns are."""
        self._surveyed()

    @property
    def left_out(self) -> dict[str, str]:
        """What is in the files and in no array, by name, each with the reason."""
        if self._declared is not None:
            if not self._without_kind:
                others = first_names(self.shards, self.message) - self.features()
                self._without_kind = {text(name): _UNDECLARED for name in sorted(others)}
        elif self._survey is None and not self._without_kind and not self._concluded:
            self._surveyed()
        return self._without_kind

    @property
    def passed_over(self) -> dict[str, str]:
        """What was passed over of the files so far, by file and record, each with the reason."""
        return self.shards[0].wanted.left_out if self.shards else {}

    def whole(self) -> tuple[Columns, Sequence[AnyLayout], Where]:
        """Decode everything, in one pass.

        Raises: HostMemoryError if it does not fit.
        """
        columns, runs = self._reading.whole(self.chosen())
        if self._declared is None:
            self._guess = Guess(survey_of(columns))
            self.conclude()
        return columns, self.stated, runs

    def first(self, count: int) -> tuple[Columns, Sequence[AnyLayout], Where]:
        """Decode the first records.

        Raises: HostMemoryError if they do not fit.
        """
        columns, runs = self._reading.first(self.chosen(), count)
        return columns, survey_of(columns).layouts()[0] if self._declared is None else self._declared, runs

    def batches(self, layouts: Sequence[AnyLayout], max_bytes: int, after: Begin = (0, 0, 0)) -> Iterator[Batch]:
        """Give the records from one on in batches whose columns, of so many layouts, take max_bytes at most.

        Raises: InvalidArgument for a record that alone takes more.
        """
        bound, chosen = max_bytes + _COLUMN_BYTES * len(layouts), self.chosen()
        decoder, runs = decoder_of(self.message, chosen, bound), Runs()
        for number, block in self._reading.blocks(*after):
            shard, at = self.shards[number], 0
            while at < len(block):
                at = self._reading.decode(decoder, shard, block, at, runs)
                if at < len(block):
                    if not decoder.rows:
                        raise self._reading.too_large(chosen, shard, block, at, bound)
                    yield Batch(decoder.take(), runs, (number, int(block.numbers[at]), offset_of(block, at)))
                    runs = Runs()
        if decoder.rows:
            yield Batch(decoder.take(), runs, (len(self.shards), 0, 0))

    def counts(self, layout: AnyLayout) -> dict[str, NDArray[np.int64]]:
        """Give where each group ends in each part of a column, from 0 on; without the last entry of row_splits."""
        survey = self._surveyed()
        if layout.name in self._counts:
            return self._counts[layout.name]
        if isinstance(layout, DeclaredLayout):
            counts = self._declared_counts.get(layout.name)
            each = {part.name: survey.groups if counts is None else counts[part.name] for part in layout.parts}
            found = {name: splits_of(np.array(one, np.int64)) for name, one in each.items()}
        else:
            found = {part.name: splits_of(survey.counts(layout, part.along)) for part in layout.parts}
        return self._counts.setdefault(layout.name, found)

    def missing(self, layout: AnyLayout) -> int | None:
        """Count the records that lack a column; None of a declared one, which defaults may fill."""
        return None if isinstance(layout, DeclaredLayout) else self._surveyed().missing(layout)

    def group(self, layout: AnyLayout, group: int) -> dict[str, Any]:
        """Give the arrays of one column of one group, row_splits from 0 on; those of images are not decoded yet."""
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
            for shard in self.shards[:1]:
                shard.wanted.files.close()

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
        first = first_names(self.shards, self.message)
        return any(fits(pattern, name) for name in first) or any(fits(pattern, name) for name in self.features())

    def features(self) -> set[bytes]:
        """Give the names of all features, wanted or not; of the declared ones, where some are."""
        if self.schema is not None:
            return {one.feature.encode() for one in self.schema.values()}
        if self.message == RAW:
            return {RECORD}
        every = Table(self.shown, [shard.unreported() for shard in self.shards], self.message)
        survey = every._surveyed()
        return {*survey.features, *survey.lists}

    def _surveyed(self) -> Survey:
        with self._lock:
            if self._survey is None and self.shards and self.shards[0].wanted.index:
                found = known(self.shards, self.message, self._declared or (), self.chosen)
                if found is not None:
                    self._survey, self._groups, self._declared_counts = found
                    self._layouts, self._without_kind = found.survey.layouts() if self._declared is None else ([], {})
                    self._from_index = True
            if self._survey is None:
                groups, open_ones = Groups(self.shards), [one for one in self._declared or () if not one.known]
                # Nothing need be looked into where all is declared, but for what is to be passed over.
                nothing = self._declared is not None and not open_ones and not self._skips
                survey = Survey()
                for number, block, columns, runs in self._reading.by_block(
                    Chosen({}, {}) if nothing else self.chosen()
                ):
                    for layout in open_ones:
                        self._count(layout, columns, runs)
                    passes = columns.rows < len(block)
                    groups.add(number, block, runs.numbers(columns.rows) if passes else block.numbers)
                    survey.add(columns)
                if self._declared is None:
                    self._layouts, self._without_kind = survey.layouts()
                self._survey, self._groups = survey, groups
            return self._survey

    @property
    def _skips(self) -> bool:
        return any(shard.wanted.skip for shard in self.shards)

    def _count(self, layout: DeclaredLayout, columns: Columns, runs: Runs) -> None:
        """Keep how many entries a group of records has in each part of a column of any size."""
        counts = self._declared_counts.setdefault(layout.name, {part.name: array("q") for part in layout.parts})
        for name, count in layout.sizes(layout.column(columns), columns.rows, runs).items():
            counts[name].append(count)

    def _decoded(self, layout: AnyLayout, group: int) -> dict[str, Any]:
        decoder, runs = decoder_of(self.message, _alone(layout)), Runs()
        shard, blocks = self._groups.read(layout.name, group)
        for block in blocks:
            self._reading.decode(decoder, shard, block, 0, runs)
        columns = decoder.take()
        column = layout.column(columns)
        if self._from_index:
            expected = {part: int(ends[group + 1] - ends[group]) for part, ends in self.counts(layout).items()}
            check_group(shard, layout, columns, expected, runs)
        if isinstance(layout, Images):  # of which perhaps one is wanted, and the others take long
            return layout.unread(column, columns.rows, runs)
        return layout.split(column, columns.rows, runs)


def _alone(layout: AnyLayout) -> Chosen:
    """Choose one column: a feature and a feature list may have one name, and values of different kinds."""
    only = {layout.feature: layout.kind}
    if isinstance(layout, DeclaredLayout):
        return Chosen(only, only)
    return Chosen({}, only) if layout.in_list else Chosen(only, {})
